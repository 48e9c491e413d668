/// All that was asked about one frame, and the question whether the contract allows the answers.
///
/// The answers are right if there is an order of the steps, each at some moment between its request and its answer, in which
/// each answer is one that the model allows. What was left unanswered may have its place in that order, or none.
struct FrameHistory: Sendable {
    var steps: [FrameStep]

    /// The most states that are looked at before the search is given up.
    static let limit = 200_000

    enum Verdict: Equatable, Sendable {
        case allowed
        /// How far an order goes before all go wrong, and where the frame is then.
        case impossible(String)
        /// The search was given up.
        case undecided

        var isImpossible: Bool {
            if case .impossible = self { true } else { false }
        }
    }

    /// Looks for an order that ends in a state that is asked for.
    func judge(by model: FrameModel, ending isRight: (FrameState) -> Bool = { _ in true }) -> Verdict {
        var search = Search(steps: steps, model: model)
        switch search.run(isRight) {
        case true?: return .allowed
        case nil: return .undecided
        case false?:
            let open = search.best.remaining.map { "\($0)" }
            return .impossible("as \(search.best.state): none of \(open.joined(separator: "; ")) …")
        }
    }

    /// How far an order has come. What is not certain may be in it more than once: that allows a little more than the contract
    /// does, and keeps the number of ways small.
    private struct Node: Hashable {
        /// Of the certain steps all before this one are done …
        var next = 0
        /// … and these.
        var ahead: Set<Int> = []
        var state = FrameState()

        func isDone(_ index: Int) -> Bool { index < next || ahead.contains(index) }

        mutating func finish(_ index: Int) {
            ahead.insert(index)
            while ahead.remove(next) != nil { next += 1 }
        }
    }

    private struct Search {
        /// Those that were answered first most likely happened first.
        let certain: [FrameStep]
        let uncertain: [FrameStep]
        let model: FrameModel
        var seen: Set<Node> = []
        var best: (done: Int, state: FrameState, remaining: [FrameStep]) = (-1, FrameState(), [])

        init(steps: [FrameStep], model: FrameModel) {
            self.model = model
            certain = steps.filter(\.isCertain).sorted { $0.end < $1.end }
            uncertain = steps.filter { !$0.isCertain }
        }

        /// nil where it was given up.
        mutating func run(_ isRight: (FrameState) -> Bool) -> Bool? {
            var open = [Node()]
            while let node = open.popLast() {
                guard seen.insert(node).inserted else { continue }
                if seen.count > FrameHistory.limit { return nil }
                let done = node.next + node.ahead.count
                if done > best.done {
                    let remaining = certain.indices.filter { !node.isDone($0) }.prefix(3).map { certain[$0] }
                    best = (done, node.state, remaining)
                }
                // The first that is left is the one that ends first: nothing that begins after its end comes before it.
                let latest = node.next < certain.count ? certain[node.next].end : FrameStep.never
                if node.next == certain.count, isRight(node.state) { return true }
                guard node.state.time <= latest else { continue }
                for step in uncertain where step.start <= latest {
                    for state in model.states(after: step, from: node.state) {
                        open.append(Node(next: node.next, ahead: node.ahead, state: state))
                    }
                }
                for index in (node.next..<certain.count).reversed()
                where certain[index].start <= latest && !node.ahead.contains(index) {
                    for state in model.states(after: certain[index], from: node.state) {
                        var next = node
                        next.state = state
                        next.finish(index)
                        open.append(next)
                    }
                }
            }
            return false
        }
    }
}

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
            let open = search.best.remaining.prefix(3).map { "\(steps[$0])" }
            return .impossible("as \(search.best.state): none of \(open.joined(separator: "; ")) …")
        }
    }

    private struct Node: Hashable {
        var done: Set<Int> = []
        var state = FrameState()
    }

    private struct Search {
        let steps: [FrameStep]
        let model: FrameModel
        let certain: Int
        let order: [Int]
        var seen: Set<Node> = []
        var best: (done: Int, state: FrameState, remaining: [Int]) = (-1, FrameState(), [])

        init(steps: [FrameStep], model: FrameModel) {
            self.steps = steps
            self.model = model
            certain = steps.count(where: \.isCertain)
            // What was answered first most likely happened first; what may not have happened is left for last.
            order = steps.indices.sorted { one, other in
                if steps[one].isCertain != steps[other].isCertain { return steps[one].isCertain }
                return steps[one].end < steps[other].end
            }
        }

        /// nil where it was given up.
        mutating func run(_ isRight: (FrameState) -> Bool) -> Bool? {
            var open = [Node()]
            while let node = open.popLast() {
                guard seen.insert(node).inserted else { continue }
                if seen.count > FrameHistory.limit { return nil }
                let remaining = order.filter { !node.done.contains($0) }
                let done = certain - remaining.count(where: { steps[$0].isCertain })
                if done == certain, isRight(node.state) { return true }
                if done > best.done { best = (done, node.state, remaining) }
                let latest = remaining.filter { steps[$0].isCertain }.map { steps[$0].end }.min()
                guard node.state.time <= latest ?? FrameStep.never else { continue }
                for index in remaining.reversed() where steps[index].start <= latest ?? FrameStep.never {
                    for state in model.states(after: steps[index], from: node.state) {
                        open.append(Node(done: node.done.union([index]), state: state))
                    }
                }
            }
            return false
        }
    }
}

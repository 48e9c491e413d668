import RedisTesting
import Synchronization

/// What the actors of a run asked, and what they were answered; and what one of them knows that others may use.
final class RunLog: Sendable {
    /// A step as it was seen, before it is known what happened around it.
    private struct Entry {
        var step: FrameStep
        /// Which process was asked.
        let process: Int
        /// Whether no answer came.
        let isOpen: Bool
    }

    /// A request of a producer's, which may be made again under its key.
    struct Upload: Sendable {
        let frames: [PostedFrame]
        let query: String
        let headers: [String]
        let body: [UInt8]
        var isKeyed: Bool
    }

    /// What was refused as the queue was full.
    private struct Refusal {
        let start: Duration
        let end: Duration
        let count: Int
    }

    /// A poll for a selection, before it is known what happened around it.
    private struct Selective {
        let poll: SelectivePoll
        let process: Int
        let isOpen: Bool
    }

    private struct State {
        var frames: [String: PostedFrame] = [:]
        var entries: [String: [Entry]] = [:]
        var uploads: [[String]] = []
        var traces: [String: Set<String>] = [:]
        var unread: [(start: Duration, end: Duration)] = []
        var swallowed: [(start: Duration, end: Duration)] = []
        var selective: [Selective] = []
        var refusals: [Refusal] = []
        var faults: [String] = []
        var counts: [String: Int] = [:]
        var last: [String] = []
        // What others may use
        var receipts: [(receipt: String, frame: String)] = []
        var messages: [(id: String, frame: String)] = []
        var letters: [(id: String, frame: String)] = []
        var keyed: [Upload] = []
    }

    /// Of all frames at once.
    private static let everyFrame = "*"

    private let state = Mutex(State())

    // MARK: Taking down

    /// Before a request leaves: whatever becomes of it, these frames exist for their producer.
    func willPost(_ upload: Upload) {
        state.withLock { state in
            for frame in upload.frames { state.frames[frame.id] = frame }
            state.uploads.append(upload.frames.map(\.id))
            if upload.isKeyed { Self.keep(upload, in: &state.keyed) }
        }
    }

    /// - Parameters:
    ///   - frame: nil for what was asked about all frames.
    ///   - process: which one was asked.
    ///   - isOpen: whether no answer came, so that it may yet happen.
    func add(_ step: FrameStep, about frame: String?, process: Int, isOpen: Bool = false) {
        state.withLock { state in
            state.entries[frame ?? Self.everyFrame, default: []].append(
                Entry(step: step, process: process, isOpen: isOpen)
            )
            switch step.action {
            case .post(_, let id?): Self.keep((id, frame ?? ""), in: &state.messages)
            case .showDead(let letter): Self.keep((letter.id, frame ?? ""), in: &state.letters)
            default: break
            }
        }
    }

    /// A frame came; tells whether it is one that was posted.
    ///
    /// - Parameter maxAge: how old it may be, in hours.
    func came(_ id: String, _ frame: [String: JSON], trace: String, maxAge: Int?) {
        state.withLock { state in
            state.traces[id, default: []].insert(trace)
            guard let posted = state.frames[id] else { return state.faults.append("\(id) came, which nobody posted") }
            if let difference = posted.difference(from: frame) { state.faults.append("\(id): \(difference)") }
            if let maxAge, posted.age > maxAge {
                state.faults.append("\(id), \(posted.age) hours old, came to a poll for those of \(maxAge)")
            }
        }
    }

    /// The trace that a producer was told.
    func traced(_ id: String, _ trace: String) {
        state.withLock { _ = $0.traces[id, default: []].insert(trace) }
    }

    /// Nobody has read the reply to a poll.
    func unread(from start: Duration, to end: Duration) {
        state.withLock { $0.unread.append((start, end)) }
    }

    /// A caller left so late that the frame of a reply which it did not read counts as its.
    func swallowed(from start: Duration, to end: Duration) {
        state.withLock { $0.swallowed.append((start, end)) }
    }

    /// - Parameter isOpen: whether no answer came, so that it may go on.
    func selected(_ poll: SelectivePoll, process: Int, isOpen: Bool) {
        state.withLock { $0.selective.append(Selective(poll: poll, process: process, isOpen: isOpen)) }
    }

    func refused(_ count: Int, from start: Duration, to end: Duration) {
        state.withLock { $0.refusals.append(Refusal(start: start, end: end, count: count)) }
    }

    /// Whether something was seen that must not be: there is no need to go on.
    var hasFaults: Bool { state.withLock { !$0.faults.isEmpty } }

    func fault(_ text: String) {
        state.withLock { $0.faults.append(text) }
    }

    /// Counts what happened: a run in which nothing happens proves nothing.
    func count(_ what: String) {
        state.withLock { $0.counts[what, default: 0] += 1 }
    }

    /// What happened to the processes, for whoever looks for the cause of a fault.
    func happened(_ what: String) {
        state.withLock { $0.last.append(what) }
    }

    // MARK: What others may use

    private static let kept = 50

    private static func keep<Value>(_ value: Value, in list: inout [Value]) {
        list.append(value)
        if list.count > kept { list.removeFirst() }
    }

    func share(receipt: String, of frame: String) {
        state.withLock { Self.keep((receipt, frame), in: &$0.receipts) }
    }

    func anyReceipts(_ count: Int, using generator: inout SeededGenerator) -> [(receipt: String, frame: String)] {
        Array(state.withLock(\.receipts).shuffled(using: &generator).prefix(count))
    }

    func anyMessage(using generator: inout SeededGenerator) -> (id: String, frame: String)? {
        state.withLock(\.messages).randomElement(using: &generator)
    }

    func anyLetters(_ count: Int, using generator: inout SeededGenerator) -> [(id: String, frame: String)] {
        let letters = state.withLock(\.letters).shuffled(using: &generator)
        var seen: Set<String> = []
        return Array(letters.filter { seen.insert($0.id).inserted }.prefix(count))
    }

    func anyKeyed(using generator: inout SeededGenerator) -> Upload? {
        state.withLock(\.keyed).randomElement(using: &generator)
    }

    // MARK: Judging

    /// All that was taken down, in the form in which it is judged.
    ///
    /// - Parameters:
    ///   - deaths: when which process was killed.
    ///   - late: when that has surely come to its end whose caller got no answer.
    ///   - settled: when a frame that was handed out has surely been settled.
    func records(
        deaths: [Int: [Duration]],
        late: (Duration) -> Duration,
        settled: (Duration) -> Duration
    ) -> RunRecords {
        state.withLock { state in
            func step(_ entry: Entry) -> FrameStep {
                var (step, action) = (entry.step, entry.step.action)
                if case .handOut(var handOut) = action, handOut.receipt == nil,
                    let died = deaths[entry.process]?.first(where: { $0 >= step.start && $0 <= settled(step.end) })
                {
                    handOut.processDied = died
                    action = .handOut(handOut)
                }
                step = FrameStep(
                    start: step.start,
                    end: entry.isOpen ? late(step.end) : step.end,
                    action: action,
                    isCertain: step.isCertain
                )
                return step
            }
            // Frames that it did not want either may have been in hand when the process died, though it was answered.
            let abandoned = state.selective.compactMap { selective -> (start: Duration, end: Duration)? in
                let (start, end) = (selective.poll.start, settled(selective.poll.end))
                let died = deaths[selective.process]?.first { $0 >= start && $0 <= end }
                return died.map { (start, $0) }
            }
            let selective = state.selective.map { selective in
                let poll = selective.poll
                return SelectivePoll(
                    start: poll.start,
                    end: selective.isOpen ? late(poll.end) : poll.end,
                    maxAge: poll.maxAge,
                    isLatest: poll.isLatest
                )
            }
            let steps = state.entries.filter { $0.key != Self.everyFrame }.mapValues { $0.map(step) }
            return RunRecords(
                frames: state.frames,
                steps: steps,
                common: (state.entries[Self.everyFrame] ?? []).map(step),
                uploads: state.uploads,
                traces: state.traces,
                unread: UnreadPolls(state.unread.map { ($0.start, late($0.end)) } + abandoned),
                swallowed: UnreadPolls(state.swallowed),
                selective: selective,
                refusals: state.refusals.map { ($0.start, $0.end, $0.count) },
                departures: steps.compactMapValues { RunRecords.departure($0, settled: settled) },
                faults: state.faults
            )
        }
    }

    /// The camera of a frame that was posted.
    func camera(of frame: String) -> String? { state.withLock { $0.frames[frame]?.camera } }

    /// The frames that were to be posted.
    var frameIDs: Set<String> { state.withLock { Set($0.frames.keys) } }

    var counts: [String: Int] { state.withLock(\.counts) }

    /// The last of what happened to the processes.
    var last: [String] { state.withLock { $0.last.suffix(8) } }
}

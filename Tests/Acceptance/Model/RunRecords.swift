/// What was taken down in a run, and the judgement of it: of each frame by the model, and of what they have in common.
struct RunRecords: Sendable {
    var frames: [String: PostedFrame]
    var steps: [String: [FrameStep]]
    /// Steps that were about all frames.
    var common: [FrameStep] = []
    /// Frames that one request brought: all of them are written, or none.
    var uploads: [[String]] = []
    /// The ids of the traces that each frame was seen in.
    var traces: [String: Set<String>] = [:]
    var unread = UnreadPolls()
    var swallowed = UnreadPolls()
    var selective: [SelectivePoll] = []
    var refusals: [(start: Duration, end: Duration, count: Int)] = []
    /// When frames had surely left the queue, of which that is known.
    var departures: [String: Duration] = [:]
    /// What was wrong at first sight.
    var faults: [String] = []

    /// What the service is to be held to.
    struct Terms: Sendable {
        var model = FrameModel()
        var capacity = Int.max
        /// How many frames of each camera the service says that it gave up, and how.
        var counts: [String: [FrameState.Exit: Int]] = [:]
    }

    /// What each frame may have become.
    private struct Fate {
        var verdict = FrameHistory.Verdict.allowed
        var isSurelyWritten = true
        var isSurelyUnwritten = false
        /// It left the queue in one of the ways that are counted.
        var isGivenUp = false
        /// In which of them it may have left.
        var exits: Set<FrameState.Exit> = []
    }

    /// All that the contract does not allow; empty where all is well.
    func judge(by terms: Terms) -> [String] {
        var faults = faults
        var fates: [String: Fate] = [:]
        let neighbours = Dictionary(grouping: frames.values, by: \.camera)
        for (id, frame) in frames {
            let fate = fate(of: frame, among: neighbours[frame.camera] ?? [], terms)
            fates[id] = fate
            switch fate.verdict {
            case .allowed: break
            case .undecided: faults.append("\(id): too many ways to explain it:\n\(story(of: id))")
            case .impossible(let why): faults.append("\(id): \(why); all of it:\n\(story(of: id))")
            }
        }
        for id in steps.keys where frames[id] == nil { faults.append("\(id) was seen, which nobody posted") }
        for (id, traces) in traces {
            let all = traces.union(frames[id]?.trace.map { [$0] } ?? [])
            if all.count > 1 { faults.append("\(id) was seen in the traces \(all.sorted())") }
        }
        for upload in uploads {
            let written = upload.filter { fates[$0]?.isSurelyWritten == true }
            let unwritten = upload.filter { fates[$0]?.isSurelyUnwritten == true }
            if let one = written.first, let other = unwritten.first {
                faults.append("of one request \(one) was written and \(other) was not")
            }
        }
        faults += countFaults(fates, terms) + refusalFaults(terms)
        return faults
    }

    private func story(of id: String) -> String {
        let all = ((steps[id] ?? []) + common).sorted { $0.start < $1.start }
        let first = steps[id]?.map(\.start).min() ?? .zero
        return all.filter { $0.end >= first }.map { "    \($0)" }.joined(separator: "\n")
    }

    // MARK: Each frame

    private func fate(of frame: PostedFrame, among neighbours: [PostedFrame], _ terms: Terms) -> Fate {
        let own = steps[frame.id] ?? []
        guard let first = own.map(\.start).min() else {
            return Fate(isSurelyWritten: false, isSurelyUnwritten: true)
        }
        var model = terms.model
        model.unread = unread
        model.swallowed = swallowed
        // Most frames need neither: a frame that is given up leaves by itself, and so may one that was never written.
        model.dropsOldest = false
        let history = FrameHistory(steps: own + common.filter { $0.end >= first })
        var fate = Fate()
        fate.verdict = history.judge(by: model)
        if !own.contains(where: \.isExplicitEnd) {
            var giving = model
            giving.dropsOldest = terms.model.dropsOldest
            giving.effects = effects(on: frame, from: first, neighbours)
            let ways = Set(giving.effects.map(\.exit) + (giving.dropsOldest ? [.dropped] : []))
            fate.exits = ways.filter { exit in
                !history.judge(by: giving) { $0.place == .gone(exit) }.isImpossible
            }
            if fate.verdict != .allowed {
                fate.isGivenUp = !fate.exits.isEmpty
                fate.verdict = history.judge(by: giving)
            }
            model = giving
        }
        let isCertain = own.contains { $0.isCertain && $0.action != .find(.nothing) }
        if !isCertain {
            fate.isSurelyWritten = history.judge(by: model) { !$0.isWritten }.isImpossible
            fate.isSurelyUnwritten = history.judge(by: model) { $0.isWritten }.isImpossible
        }
        return fate
    }

    // MARK: All of them

    /// Each frame that was given up is counted once, in a way that it may have gone, and nothing else is.
    private func countFaults(_ fates: [String: Fate], _ terms: Terms) -> [String] {
        let given = Dictionary(grouping: fates.filter { !$0.value.exits.isEmpty }) { frames[$0.key]?.camera ?? "" }
        return Set(given.keys).union(terms.counts.keys).sorted().compactMap { camera in
            let fates = (given[camera] ?? []).map(\.value)
            let said = FrameState.Exit.counted.map { terms.counts[camera]?[$0] ?? 0 }
            // All that the counts may be; there are few frames of a camera whose end nobody was told.
            var possible: Set<[Int]> = [said.map { _ in 0 }]
            for fate in fates {
                var next = fate.isGivenUp ? [] : possible
                for (place, exit) in FrameState.Exit.counted.enumerated() where fate.exits.contains(exit) {
                    for var counts in possible where counts[place] < said[place] {
                        counts[place] += 1
                        next.insert(counts)
                    }
                }
                possible = next
            }
            if possible.contains(said) { return nil }
            let counts = zip(FrameState.Exit.counted, said).map { "\($1) \($0)" }.joined(separator: ", ")
            let stories = frames.values.filter { $0.camera == camera }.map { frame in
                let fate = given[camera]?.first { $0.key == frame.id }?.value
                return "    \(frame.id)\(fate.map(describe) ?? "")\n\(story(of: frame.id))"
            }
            return "of \(camera) were said to be \(counts), which is not what became of them:\n"
                + stories.joined(separator: "\n")
        }
    }

    private func describe(_ fate: Fate) -> String {
        let exits = fate.exits.map(\.rawValue).sorted().joined(separator: " or ")
        return " \(fate.isGivenUp ? "was" : "may have been") \(exits)"
    }

    /// What polls for a selection may have done to a frame that was posted after `first`.
    private func effects(
        on frame: PostedFrame,
        from first: Duration,
        _ neighbours: [PostedFrame]
    ) -> [SelectivePoll.Effect] {
        let newer = neighbours.filter { $0.id != frame.id }.compactMap { presence(of: $0.id) }
        return selective.filter { $0.end >= first }.flatMap { poll -> [SelectivePoll.Effect] in
            var effects: [SelectivePoll.Effect] = []
            if let maxAge = poll.maxAge, frame.age > maxAge {
                effects.append(SelectivePoll.Effect(exit: .expired, start: poll.start, end: poll.end))
            }
            let others = newer.filter { $0.start <= poll.end && $0.end >= poll.start }
            if poll.isLatest, !others.isEmpty {
                let ids = others.map(\.newest)
                let known = ids.compactMap(\.self).max { MessageID.isOlder($0, than: $1) }
                effects.append(
                    SelectivePoll.Effect(
                        exit: .superseded,
                        start: poll.start,
                        end: poll.end,
                        newest: ids.contains(nil) ? nil : known
                    )
                )
            }
            return effects
        }
    }

    /// From when to when a frame can have been in the queue, and the newest of its message ids; nil where that is not known.
    private func presence(of id: String) -> (start: Duration, end: Duration, newest: String?)? {
        guard let steps = steps[id], let start = steps.map(\.start).min() else { return nil }
        let end = steps.filter(\.isExplicitEnd).map(\.end).min()
        // Redriven, it has an id that nobody may have seen.
        let mayBeAnew = end == nil && (steps + common).contains(where: \.isOfLetters)
        let newest = steps.compactMap(\.messageID).max { MessageID.isOlder($0, than: $1) }
        return (start, end ?? FrameStep.never, mayBeAnew ? nil : newest)
    }

    /// A frame may be refused only where as many as there may be at all can have been there.
    private func refusalFaults(_ terms: Terms) -> [String] {
        let spans = steps.compactMap { id, steps in
            steps.map(\.start).min().map { (start: $0, end: departures[id] ?? FrameStep.never) }
        }
        let present = UnreadPolls(spans)
        return refusals.compactMap { start, end, count in
            let most = present.count(from: start, to: end)
            return most + count > terms.capacity
                ? nil : "\(count) were refused at \(start) by a queue that held \(most) of \(terms.capacity) at most"
        }
    }
}

extension RunRecords {
    /// When a frame of these steps had surely left the queue; nil where that is not known. What was handed out for good may be
    /// there until it is `settled`.
    static func departure(_ steps: [FrameStep], settled: (Duration) -> Duration) -> Duration? {
        steps.filter(\.isExplicitEnd).map { step in
            if case .handOut = step.action { settled(step.end) } else { step.end }
        }.max()
    }
}

extension FrameStep {
    /// The message id that it says the frame has.
    fileprivate var messageID: String? {
        switch action {
        case .post(_, let id): id
        case .handOut(let handOut): handOut.messageID
        case .find(.waiting(let id)): id
        default: nil
        }
    }

    fileprivate var isOfLetters: Bool {
        switch action {
        case .showDead, .redrive: true
        default: false
        }
    }

    /// Whether it is known how the frame left the queue: acknowledged, deleted, or handed out for good.
    fileprivate var isExplicitEnd: Bool {
        guard isCertain else { return false }
        switch action {
        case .settle(.ack, _, .settled?), .delete(_, true?), .deleteLetter(_?, true?): return true
        case .handOut(let handOut): return handOut.receipt == nil && !handOut.isReset && handOut.processDied == nil
        default: return false
        }
    }
}

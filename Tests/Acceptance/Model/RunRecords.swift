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
    var refusals: [(start: Duration, end: Duration, count: Int)] = []
    /// What was wrong at first sight.
    var faults: [String] = []

    /// What the service is to be held to.
    struct Terms: Sendable {
        var model = FrameModel()
        var capacity = Int.max
        /// How many frames of each camera the service says that it dropped.
        var dropped: [String: Int] = [:]
    }

    /// What each frame may have become.
    private struct Fate {
        var verdict = FrameHistory.Verdict.allowed
        var isSurelyWritten = true
        var isSurelyUnwritten = false
        var isSurelyDropped = false
        var mayBeDropped = false
    }

    /// All that the contract does not allow; empty where all is well.
    func judge(by terms: Terms) -> [String] {
        var faults = faults
        var fates: [String: Fate] = [:]
        for id in frames.keys {
            let fate = fate(of: id, terms)
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
        faults += dropFaults(fates, terms) + refusalFaults(terms)
        return faults
    }

    private func story(of id: String) -> String {
        let all = ((steps[id] ?? []) + common).sorted { $0.start < $1.start }
        let first = steps[id]?.map(\.start).min() ?? .zero
        return all.filter { $0.end >= first }.map { "    \($0)" }.joined(separator: "\n")
    }

    // MARK: Each frame

    private func fate(of id: String, _ terms: Terms) -> Fate {
        let own = steps[id] ?? []
        guard let first = own.map(\.start).min() else {
            return Fate(isSurelyWritten: false, isSurelyUnwritten: true)
        }
        var model = terms.model
        model.unread = unread
        model.swallowed = swallowed
        // Most frames need neither: a frame that is dropped leaves by itself, and so may one that was never written.
        model.dropsOldest = false
        let history = FrameHistory(steps: own + common.filter { $0.end >= first })
        var fate = Fate()
        fate.verdict = history.judge(by: model)
        if terms.model.dropsOldest, !own.contains(where: \.isExplicitEnd) {
            var dropping = model
            dropping.dropsOldest = true
            fate.mayBeDropped = history.judge(by: dropping) { $0.place == .gone(.dropped) }.isImpossible == false
            if fate.verdict != .allowed {
                fate.isSurelyDropped = fate.mayBeDropped
                fate.verdict = history.judge(by: dropping)
            }
            model = dropping
        }
        let isCertain = own.contains { $0.isCertain && $0.action != .find(.nothing) }
        if !isCertain {
            fate.isSurelyWritten = history.judge(by: model) { !$0.isWritten }.isImpossible
            fate.isSurelyUnwritten = history.judge(by: model) { $0.isWritten }.isImpossible
        }
        return fate
    }

    // MARK: All of them

    private func dropFaults(_ fates: [String: Fate], _ terms: Terms) -> [String] {
        var (surely, perhaps): ([String: Int], [String: Int]) = ([:], [:])
        for (id, fate) in fates {
            guard let camera = frames[id]?.camera else { continue }
            if fate.isSurelyDropped { surely[camera, default: 0] += 1 }
            if fate.mayBeDropped { perhaps[camera, default: 0] += 1 }
        }
        return Set(surely.keys).union(terms.dropped.keys).sorted().compactMap { camera in
            let said = terms.dropped[camera] ?? 0
            let (least, most) = (surely[camera] ?? 0, perhaps[camera] ?? 0)
            if (least...max(least, most)).contains(said) { return nil }
            let stories = frames.values.filter { $0.camera == camera }.map { "    \($0.id)\n\(story(of: $0.id))" }
            return "of \(camera) \(said) frames were said to be dropped, and \(least) to \(most) were:\n"
                + stories.joined(separator: "\n")
        }
    }

    /// A frame may be refused only where as many as there may be at all can have been there.
    private func refusalFaults(_ terms: Terms) -> [String] {
        let spans = steps.values.compactMap { steps -> (start: Duration, end: Duration)? in
            guard let start = steps.map(\.start).min() else { return nil }
            let isEnded = steps.contains(where: \.isExplicitEnd)
            return (start, isEnded ? steps.map(\.end).max() ?? start : FrameStep.never)
        }
        let present = UnreadPolls(spans)
        return refusals.compactMap { start, end, count in
            let most = present.count(from: start, to: end)
            return most + count > terms.capacity
                ? nil : "\(count) were refused at \(start) by a queue that held \(most) of \(terms.capacity) at most"
        }
    }
}

extension FrameStep {
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

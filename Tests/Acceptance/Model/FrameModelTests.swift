import RedisTesting
import Testing

/// The model finds what must not be, and lets pass what may.
@Suite("The model of the contract")
struct FrameModelTests {
    // MARK: Short histories

    private typealias Step = FrameStep

    /// One that is not certain may happen for a while after its request has ended.
    private static func step(
        _ times: ClosedRange<Double>,
        _ action: Step.Action,
        isCertain: Bool = true
    ) -> Step {
        Step(
            start: .seconds(times.lowerBound),
            end: .seconds(isCertain ? times.upperBound : 50),
            action: action,
            isCertain: isCertain
        )
    }

    private static func posted(_ times: ClosedRange<Double> = 0...0.1, _ id: String = "1-0") -> Step {
        step(times, .post(.written, messageID: id))
    }

    private static func leased(
        _ times: ClosedRange<Double>,
        _ receipt: String,
        deliveries: Int = 1,
        id: String = "1-0",
        isReset: Bool = false
    ) -> Step {
        let handOut = Step.HandOut(
            messageID: id,
            deliveries: deliveries,
            receipt: receipt,
            lease: .seconds(2),
            isReset: isReset
        )
        return step(times, .handOut(handOut))
    }

    private static func taken(
        _ times: ClosedRange<Double>,
        deliveries: Int = 1,
        isReset: Bool = false,
        processDied: Double? = nil
    ) -> Step {
        var handOut = Step.HandOut(messageID: "1-0", deliveries: deliveries, isReset: isReset)
        handOut.processDied = processDied.map { .seconds($0) }
        return step(times, .handOut(handOut))
    }

    private static func settled(
        _ times: ClosedRange<Double>,
        _ settling: Step.Settling,
        _ receipt: String,
        _ outcome: Step.Outcome? = .settled
    ) -> Step {
        step(times, .settle(settling, receipt: receipt, outcome), isCertain: outcome != nil)
    }

    private static func found(_ found: Step.Found) -> Step { step(100...100, .find(found)) }

    private static let waits = found(.waiting(messageID: "1-0"))
    private static let gone = found(.nothing)
    private static let nack = Step.Settling.nack(delay: .zero, reason: "")
    private static let letter = Step.Letter(id: "9-0", formerID: "1-0", deliveries: 2, reason: "lease_expired")

    /// What happened, and whether the contract allows it.
    struct History: CustomTestStringConvertible, Sendable {
        let testDescription: String
        let isAllowed: Bool
        let steps: [FrameStep]
        var model = FrameModel(maxDeliveries: 2)

        fileprivate init(_ name: String, _ isAllowed: Bool, _ steps: [FrameStep], dropsOldest: Bool = false) {
            testDescription = name
            self.isAllowed = isAllowed
            self.steps = steps
            model.dropsOldest = dropsOldest
        }

        fileprivate init(
            _ name: String,
            _ isAllowed: Bool,
            _ steps: [FrameStep],
            _ exit: FrameState.Exit,
            _ times: ClosedRange<Double>,
            newest: String? = nil
        ) {
            self.init(name, isAllowed, steps)
            let (start, end) = (Duration.seconds(times.lowerBound), Duration.seconds(times.upperBound))
            model.effects = [SelectivePoll.Effect(exit: exit, start: start, end: end, newest: newest)]
        }

        fileprivate init(_ name: String, _ isAllowed: Bool, _ steps: [FrameStep], unread: ClosedRange<Double>) {
            self.init(name, isAllowed, steps)
            model.unread = UnreadPolls([(.seconds(unread.lowerBound), .seconds(unread.upperBound))])
        }
    }

    static let histories: [History] = [
        // Nothing is lost
        History("a frame waits", true, [posted(), waits]),
        History("a frame is lost", false, [posted(), gone]),
        History("a frame is lost with its lease", false, [posted(), leased(1...1.1, "r"), gone]),
        History("a nacked frame is lost", false, [posted(), leased(1...1.1, "r"), settled(2...2.1, nack, "r"), gone]),
        History("a taken frame has reached its caller", true, [posted(), taken(1...1.1), gone]),
        History("a dead frame is lost", false, [posted(), step(5...5.1, .showDead(letter)), gone]),
        History("a frame may be dropped for a newer one", true, [posted(), gone], dropsOldest: true),
        History(
            "a leased frame may not be dropped",
            false,
            [posted(), leased(99...99.5, "r"), gone],
            dropsOldest: true
        ),
        History(
            "what was not answered was written",
            true,
            [step(0...1, .post(.unclear, messageID: nil), isCertain: false), waits]
        ),
        History(
            "what was not answered was not",
            true,
            [step(0...1, .post(.unclear, messageID: nil), isCertain: false), gone]
        ),
        // Freshness
        History("it expires for a poll", true, [posted(), gone], .expired, 1...2),
        History(
            "it expires for a poll that was over before it was there",
            false,
            [posted(3...4), gone],
            .expired,
            1...2
        ),
        History("it expires while it is leased", false, [posted(), leased(1...1.1, "r"), gone], .expired, 1.5...2.5),
        History("it expires when its lease is over", true, [posted(), leased(1...1.1, "r"), gone], .expired, 2...4),
        History(
            "its receipt is stale as it has expired",
            true,
            [posted(), leased(1...1.1, "r"), settled(5...5.1, .ack, "r", .stale), gone],
            .expired,
            3.5...4
        ),
        History(
            "its receipt is stale before it can have expired",
            false,
            [posted(), leased(1...1.1, "r"), settled(5...5.1, .ack, "r", .stale), gone],
            .expired,
            5.5...6
        ),
        History("it comes again although it has expired", true, [posted(), leased(3...4, "r")], .expired, 1...2),
        History("it is superseded by a newer one", true, [posted(), gone], .superseded, 1...2, newest: "1-1"),
        History("it is superseded by an older one", false, [posted(), gone], .superseded, 1...2, newest: "0-7"),
        History(
            "it is superseded while it is leased",
            false,
            [posted(), leased(1...1.1, "r"), gone],
            .superseded,
            1.5...2.5,
            newest: "2-0"
        ),
        History(
            "it is superseded by one whose number is larger, not its text",
            true,
            [posted(0...0.1, "9-0"), gone],
            .superseded,
            1...2,
            newest: "10-0"
        ),
        // Nothing is invented
        History("nobody has posted it", false, [waits]),
        History("it is handed out before it was posted", false, [posted(2...3), leased(0...1, "r")]),
        History(
            "it is handed out while its producer waits for the answer",
            true,
            [posted(0...3), leased(1...2, "r"), waits]
        ),
        History("it has another message id", false, [posted(), leased(1...2, "r", id: "2-0")]),
        // One holder at a time
        History(
            "it comes again after its lease",
            true,
            [posted(), leased(1...1.1, "r"), leased(3.1...3.2, "s", deliveries: 2)]
        ),
        History(
            "it comes again before its lease is over",
            false,
            [posted(), leased(1...1.1, "r"), leased(2...2.9, "s", deliveries: 2)]
        ),
        History(
            "the lease may have begun with its request",
            true,
            [posted(), leased(1...1.9, "r"), leased(2...3, "s", deliveries: 2)]
        ),
        History(
            "it comes again within an extension",
            false,
            [
                posted(), leased(1...1.1, "r"), settled(2...2.1, .extend(.seconds(5)), "r"),
                leased(4...4.1, "s", deliveries: 2),
            ]
        ),
        History(
            "it comes again before its nack's delay is over",
            false,
            [
                posted(), leased(1...1.1, "r"), settled(2...2.1, .nack(delay: .seconds(5), reason: ""), "r"),
                leased(4...4.1, "s", deliveries: 2),
            ]
        ),
        History(
            "it comes again after an acknowledgement",
            false,
            [
                posted(), leased(1...1.1, "r"), settled(2...2.1, .ack, "r"), leased(5...5.1, "s", deliveries: 2),
            ]
        ),
        History(
            "it comes again although it has reached its caller",
            false,
            [posted(), taken(1...1.1), taken(2...2.1, deliveries: 2)]
        ),
        History(
            "it comes again as its caller reset, and as what it was",
            true,
            [
                posted(), taken(1...1.1, isReset: true), taken(1.2...1.3), gone,
            ]
        ),
        History(
            "it comes again as the process died before it was settled",
            true,
            [
                posted(), taken(1...1.1, processDied: 1.5), leased(14...14.1, "r", deliveries: 2),
                settled(15...15.1, .ack, "r"), gone,
            ]
        ),
        History(
            "it comes again although its caller, which reset, had extended its lease",
            false,
            [
                posted(), leased(1...1.1, "r", isReset: true), settled(1.1...1.2, .extend(.seconds(5)), "r"),
                leased(1.3...1.4, "s"),
            ]
        ),
        // Deliveries
        History("its deliveries fall", false, [posted(), leased(1...1.1, "r"), leased(4...4.1, "s", deliveries: 1)]),
        History("its deliveries rise by themselves", false, [posted(), leased(1...1.1, "r", deliveries: 2)]),
        History("somebody had it who left", true, [posted(), leased(5...5.1, "r", deliveries: 2)], unread: 1...2),
        History(
            "somebody left before it was there",
            false,
            [posted(3...3.1), leased(5...5.1, "r", deliveries: 2)],
            unread: 1...2
        ),
        History(
            "it comes once too often",
            false,
            [
                posted(), leased(1...1.1, "r"), leased(4...4.1, "s", deliveries: 2),
                leased(8...8.1, "t", deliveries: 3),
            ]
        ),
        History(
            "it dies of its last delivery",
            true,
            [
                posted(), leased(1...1.1, "r"), leased(4...4.1, "s", deliveries: 2), step(7...7.1, .showDead(letter)),
                found(.dead(letter)),
            ]
        ),
        History(
            "it dies before its lease is over",
            false,
            [
                posted(), leased(1...1.1, "r"), leased(4...4.1, "s", deliveries: 2), step(5...5.1, .showDead(letter)),
            ]
        ),
        History("it dies too early", false, [posted(), leased(1...1.1, "r"), step(7...7.1, .showDead(letter))]),
        // Receipts
        History(
            "a lapsed receipt settles until it is handed out again",
            true,
            [
                posted(), leased(1...1.1, "r"), settled(9...9.1, .ack, "r"), settled(9.2...9.3, .ack, "r", .neither),
                gone,
            ]
        ),
        History(
            "a good receipt is stale",
            false,
            [posted(), leased(1...1.1, "r"), settled(2...2.1, .ack, "r", .stale)]
        ),
        History(
            "a lapsed receipt is stale, and nobody had the frame",
            false,
            [
                posted(), leased(1...1.1, "r"), settled(9...9.1, .ack, "r", .stale), waits,
            ]
        ),
        History(
            "a stale receipt settles",
            false,
            [
                posted(), leased(1...1.1, "r"), leased(4...4.1, "s", deliveries: 2), settled(4.2...4.3, .ack, "r"),
            ]
        ),
        History(
            "it settles twice",
            false,
            [
                posted(), leased(1...1.1, "r"), settled(2...2.1, .ack, "r"), settled(3...3.1, .ack, "r"), gone,
            ]
        ),
        History(
            "two use a receipt at once, and one of them settles",
            true,
            [
                posted(), leased(1...1.1, "r"), settled(2...3, .ack, "r", .neither), settled(2...3, .ack, "r"), gone,
            ]
        ),
        History(
            "a second nack counts neither",
            true,
            [
                posted(), leased(1...1.1, "r"), settled(2...2.1, nack, "r"), settled(3...3.1, nack, "r", .neither),
                waits,
            ]
        ),
        History(
            "an acknowledgement without an answer came to pass",
            true,
            [
                posted(), leased(1...1.1, "r"), settled(2...2.1, .ack, "r", nil), gone,
            ]
        ),
        History(
            "an acknowledgement without an answer did not",
            true,
            [
                posted(), leased(1...1.1, "r"), settled(2...2.1, .ack, "r", nil), waits,
            ]
        ),
        History(
            "a rejected frame is dead",
            true,
            [
                posted(), leased(1...1.1, "r"), settled(2...2.1, .reject(reason: ""), "r"),
                found(.dead(Step.Letter(id: "9-0", formerID: "1-0", deliveries: 1, reason: "rejected"))),
            ]
        ),
        History(
            "a rejected frame comes again",
            false,
            [
                posted(), leased(1...1.1, "r"), settled(2...2.1, .reject(reason: ""), "r"),
                leased(3...3.1, "s", deliveries: 2),
            ]
        ),
        // Keys
        History(
            "a duplicate is told the first id",
            true,
            [posted(), step(1...1.1, .post(.known, messageID: "1-0")), waits]
        ),
        History("a duplicate is told another id", false, [posted(), step(1...1.1, .post(.known, messageID: "2-0"))]),
        History("it is written twice", false, [posted(), posted(1...1.1, "2-0")]),
        History("a duplicate of nothing", false, [step(1...1.1, .post(.known, messageID: "1-0"))]),
        // Deleting and redriving
        History(
            "a deleted frame is gone, and its receipt is stale",
            true,
            [
                posted(), leased(1...1.1, "r"), step(2...2.1, .delete(messageID: "1-0", true)),
                settled(3...3.1, .ack, "r", .stale), gone,
            ]
        ),
        History(
            "a deleted frame is still there",
            false,
            [posted(), step(2...2.1, .delete(messageID: "1-0", true)), waits]
        ),
        History(
            "a frame that is there can't be deleted",
            false,
            [posted(), step(2...2.1, .delete(messageID: "1-0", false)), waits]
        ),
        History(
            "a deleted frame was on its way to a caller",
            true,
            [posted(), step(2...2.1, .delete(messageID: "1-0", true)), taken(2.2...2.3), gone]
        ),
        History(
            "a deleted frame comes long after",
            false,
            [posted(), step(2...2.1, .delete(messageID: "1-0", true)), taken(3...3.1), gone]
        ),
        History(
            "a deleted frame is leased",
            false,
            [posted(), step(2...2.1, .delete(messageID: "1-0", true)), leased(2.2...2.3, "r"), gone]
        ),
        History("a purge leaves it there", false, [posted(), step(2...2.1, .purge), waits]),
        History("a purge came before it", true, [posted(0...3), step(2...2.1, .purge), waits]),
        History(
            "it is redriven with no deliveries and a new id",
            true,
            [
                posted(), leased(1...1.1, "r"), leased(4...4.1, "s", deliveries: 2), step(7...7.1, .showDead(letter)),
                step(8...8.1, .redrive(letter: "9-0", true)), leased(9...9.1, "t", id: "2-0"),
                settled(9.2...9.3, .ack, "t"), gone,
            ]
        ),
        History(
            "it is redriven and still dead",
            false,
            [
                posted(), leased(1...1.1, "r"), leased(4...4.1, "s", deliveries: 2), step(7...7.1, .showDead(letter)),
                step(8...8.1, .redrive(letter: "9-0", true)), found(.dead(letter)),
            ]
        ),
        History(
            "what was redriven can be redriven again",
            false,
            [
                posted(), leased(1...1.1, "r"), leased(4...4.1, "s", deliveries: 2), step(7...7.1, .showDead(letter)),
                step(8...8.1, .redrive(letter: "9-0", true)), step(9...9.1, .redrive(letter: "9-0", true)),
            ]
        ),
    ]

    @Test("allows what may happen to a frame, and finds what must not", arguments: histories)
    func history(_ history: History) {
        let verdict = FrameHistory(steps: history.steps).judge(by: history.model)
        #expect(verdict == .allowed || verdict.isImpossible)
        #expect((verdict == .allowed) == history.isAllowed, "\(verdict)")
    }

    // MARK: What frames have in common

    private func records(_ steps: [String: [FrameStep]], camera: String? = nil, ages: [String: Int] = [:]) -> RunRecords
    {
        var generator = SeededGenerator(seed: 1)
        let frames = steps.keys.map { id in
            PostedFrame(id: id, isRaw: false, camera: camera, age: ages[id] ?? 0, using: &generator)
        }
        return RunRecords(frames: Dictionary(uniqueKeysWithValues: frames.map { ($0.id, $0) }), steps: steps)
    }

    @Test("finds half a batch, where it is not known whether it was written")
    func halfBatch() {
        let unclear = Self.step(0...1, .post(.unclear, messageID: nil), isCertain: false)
        for (other, faults) in [(Self.waits, 0), (Self.gone, 1)] {
            var records = records(["a": [unclear, Self.waits], "b": [unclear, other]])
            records.uploads = [["a", "b"]]
            #expect(records.judge(by: RunRecords.Terms()).count == faults)
        }
    }

    @Test("finds frames that were dropped and not counted, and counts of frames that were not dropped")
    func dropped() throws {
        let records = records(["a": [Self.posted(), Self.gone], "b": [Self.posted(), Self.waits]])
        let camera = try #require(records.frames["a"]?.camera)
        var terms = RunRecords.Terms()
        terms.model.dropsOldest = true
        for (count, isRight) in [(0, false), (1, true), (2, false)] {
            terms.counts = [camera: [.dropped: count]]
            #expect(records.judge(by: terms).isEmpty == isRight, "\(count)")
        }
    }

    /// What is said of two frames of one camera, the first of which has gone.
    struct Freshness: CustomTestStringConvertible, Sendable {
        let testDescription: String
        let isAllowed: Bool
        var counts: [FrameState.Exit: Int] = [:]
        var age = 0
        var maxAge: Int?
        var isLatest = false
        /// When the other was posted; nil: it is of another camera.
        var other: ClosedRange<Double>? = 1...1.1
    }

    static let pairs = [
        Freshness(testDescription: "superseded", isAllowed: true, counts: [.superseded: 1], isLatest: true),
        Freshness(testDescription: "superseded, not counted", isAllowed: false, isLatest: true),
        Freshness(testDescription: "superseded, twice", isAllowed: false, counts: [.superseded: 2], isLatest: true),
        Freshness(testDescription: "superseded for nobody", isAllowed: false, counts: [.superseded: 1]),
        Freshness(testDescription: "superseded as expired", isAllowed: false, counts: [.expired: 1], isLatest: true),
        Freshness(
            testDescription: "superseded by none",
            isAllowed: false,
            counts: [.superseded: 1],
            isLatest: true,
            other: nil
        ),
        Freshness(
            testDescription: "superseded by a later one",
            isAllowed: false,
            counts: [.superseded: 1],
            isLatest: true,
            other: 4...5
        ),
        Freshness(testDescription: "expired", isAllowed: true, counts: [.expired: 1], age: 4, maxAge: 3),
        Freshness(testDescription: "expired, not counted", isAllowed: false, age: 4, maxAge: 3),
        Freshness(testDescription: "expired too young", isAllowed: false, counts: [.expired: 1], age: 2, maxAge: 3),
        Freshness(testDescription: "expired for nobody", isAllowed: false, counts: [.expired: 1], age: 4),
        Freshness(
            testDescription: "expired or superseded",
            isAllowed: true,
            counts: [.expired: 1],
            age: 4,
            maxAge: 3,
            isLatest: true
        ),
        Freshness(
            testDescription: "expired and superseded",
            isAllowed: false,
            counts: [.expired: 1, .superseded: 1],
            age: 4,
            maxAge: 3,
            isLatest: true
        ),
    ]

    @Test("finds frames that no poll can have given up so, and counts that differ", arguments: pairs)
    func freshness(_ said: Freshness) {
        let other = [Self.posted(said.other ?? 1...1.1, "2-0"), Self.found(.waiting(messageID: "2-0"))]
        var records = records(["a": [Self.posted(), Self.gone]], camera: "one", ages: ["a": said.age])
        let rest = self.records(["b": other], camera: said.other == nil ? "two" : "one")
        records.frames.merge(rest.frames) { $1 }
        records.steps.merge(rest.steps) { $1 }
        if said.maxAge != nil || said.isLatest {
            let poll = SelectivePoll(
                start: .seconds(2),
                end: .seconds(3),
                maxAge: said.maxAge,
                isLatest: said.isLatest
            )
            records.selective = [poll]
        }
        var terms = RunRecords.Terms()
        terms.counts = ["one": said.counts]
        #expect(records.judge(by: terms).isEmpty == said.isAllowed)
    }

    @Test("finds a refusal by a queue that was not full, a second trace, and a frame that nobody posted")
    func others() {
        var full = records(["a": [Self.posted(), Self.waits]])
        full.refusals = [(.seconds(2), .seconds(3), 1)]
        var terms = RunRecords.Terms()
        terms.capacity = 1
        #expect(full.judge(by: terms) == [])
        // One that has left fills nothing.
        full.departures = ["a": .seconds(1.5)]
        #expect(full.judge(by: terms).count == 1)
        full.departures = [:]
        terms.capacity = 2
        #expect(full.judge(by: terms).count == 1)
        var traced = records(["a": [Self.posted(), Self.waits]])
        traced.traces = ["a": ["1", "2"]]
        #expect(traced.judge(by: RunRecords.Terms()).count == 1)
        var invented = records([:])
        invented.steps = ["a": [Self.posted(), Self.waits]]
        #expect(invented.judge(by: RunRecords.Terms()).count == 1)
    }
}

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

    private func records(_ steps: [String: [FrameStep]]) -> RunRecords {
        var generator = SeededGenerator(seed: 1)
        let frames = steps.keys.map { PostedFrame(id: $0, isRaw: false, using: &generator) }
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
            terms.dropped = [camera: count]
            #expect(records.judge(by: terms).isEmpty == isRight, "\(count)")
        }
    }

    @Test("finds a refusal by a queue that was not full, a second trace, and a frame that nobody posted")
    func others() {
        var full = records(["a": [Self.posted(), Self.waits]])
        full.refusals = [(.seconds(2), .seconds(3), 1)]
        var terms = RunRecords.Terms()
        terms.capacity = 1
        #expect(full.judge(by: terms) == [])
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

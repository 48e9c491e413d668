/// The contract for one frame, as a state machine: what may be answered about it, and what becomes of it.
///
/// It knows bounds in time, not moments: that a lease ends no earlier than so long after the request began that gave it.
/// What happens to a frame without anybody saying so, a lease's end for instance, it allows at any time at which it may happen.
struct FrameModel: Sendable {
    /// After how many deliveries a frame is dead; 0: never.
    var maxDeliveries = 5
    /// Whether frames that wait may be dropped for newer ones.
    var dropsOldest = false
    /// What polls for a selection of the frames may have done to it.
    var effects: [SelectivePoll.Effect] = []
    /// For how long a receipt that settled its frame is known.
    var settledWindow = Duration.seconds(120)
    /// How far Redis' clock, in whole milliseconds, and ours may be apart.
    var tolerance = Duration.milliseconds(20)
    /// For how long a frame that is deleted may still be on its way from Redis to whoever polls next; a lease it gets no more.
    var onItsWay = Duration.milliseconds(500)
    /// Polls whose replies nobody has read: any frame that waited may have been handed out to one.
    var unread = UnreadPolls()
    /// Those whose callers left so late that a frame which they did not read counts as theirs.
    var swallowed = UnreadPolls()

    // MARK: What happens by itself

    /// The states in which the frame waits, by `end` at the latest.
    private func waiting(_ state: FrameState, by end: Duration) -> [FrameState] {
        var states: [FrameState] = []
        func wait(_ state: FrameState, from time: Duration, deliveries: Int, receipt: String?) {
            guard time <= end else { return }
            var next = state.moved(to: .waiting, at: time)
            next.time = max(state.time, time)
            next.deliveries = deliveries
            next.receipt = receipt
            if receipt == nil { next.isNacked = false }
            next.isReset = false
            next.processDied = nil
            states.append(next)
        }
        switch state.place {
        case .waiting:
            states.append(state)
        case .leased(let until):
            if !isLast(state.deliveries) {
                let lapse = until - tolerance
                wait(state, from: lapse, deliveries: state.deliveries, receipt: state.receipt)
            }
            if state.isReset { wait(state, from: state.since, deliveries: state.deliveries - 1, receipt: nil) }
        case .taken:
            if let died = state.processDied, !isLast(state.deliveries) {
                wait(state, from: max(died, state.since), deliveries: state.deliveries, receipt: nil)
            }
            if state.isReset { wait(state, from: state.since, deliveries: state.deliveries - 1, receipt: nil) }
        case .unwritten, .dead, .gone: break
        }
        return states
    }

    /// The states in which it is dead.
    private func dead(_ state: FrameState, by end: Duration) -> [FrameState] {
        var states: [FrameState] = []
        func die(_ state: FrameState, at time: Duration, _ reasons: Set<String>) {
            guard time <= end else { return }
            var next = state.moved(to: .dead(letter: nil, reasons: reasons), at: time)
            next.time = max(state.time, time)
            next.deliveries = maxDeliveries
            next.receipt = nil
            states.append(next)
        }
        switch state.place {
        case .dead: states.append(state)
        case .leased(let until) where isLast(state.deliveries): die(state, at: until - tolerance, ["lease_expired"])
        case .taken where isLast(state.deliveries):
            if let died = state.processDied { die(state, at: died, ["process_died"]) }
        default: break
        }
        for waiting in waiting(state, by: end) where maxDeliveries > 0 {
            if waiting.deliveries + unreadSince(waiting, by: end) >= maxDeliveries {
                die(waiting, at: waiting.time, ["lease_expired", "process_died"])
            }
        }
        return states
    }

    /// The states in which it has left the queue although it was not in anybody's hands.
    private func vanished(_ state: FrameState, by end: Duration) -> [FrameState] {
        waiting(state, by: end).flatMap { waiting -> [FrameState] in
            let isSwallowed = swallowed.count(from: waiting.since, to: end) > 0
            let given = effects.filter { $0.concerns(waiting.messageID, since: waiting.since, seen: end) }.map(\.exit)
            let exits = Set(given + (dropsOldest ? [.dropped] : []) + (isSwallowed ? [.settled] : []))
            return exits.map { leave(waiting, $0) }
        }
    }

    private func isLast(_ deliveries: Int) -> Bool { maxDeliveries > 0 && deliveries >= maxDeliveries }

    /// How many polls that nobody read the reply of may have had it while it waited.
    private func unreadSince(_ state: FrameState, by end: Duration) -> Int {
        unread.count(from: state.since, to: end)
    }

    private func leave(_ state: FrameState, _ exit: FrameState.Exit) -> FrameState {
        var next = state.moved(to: .gone(exit))
        next.receipt = nil
        return next
    }

    // MARK: What is asked for

    /// The states that a frame may be in after a step; none where the step can't have gone so.
    func states(after step: FrameStep, from state: FrameState) -> [FrameState] {
        guard state.time <= step.end else { return [] }
        var state = state
        state.time = max(state.time, step.start)
        switch step.action {
        case .post(let posting, let messageID): return post(posting, messageID, state)
        case .handOut(let handOut): return handedOut(handOut, state, by: step.end)
        case .settle(let settling, let receipt, let outcome):
            return settle(settling, receipt, outcome, state, by: step.end)
        case .delete(let messageID, let wasThere): return delete(messageID, wasThere, state, by: step.end)
        case .purge: return purge(state, by: step.end, isCertain: step.isCertain)
        case .showDead(let letter): return show(letter, state, by: step.end)
        case .redrive(let letter, let wasThere):
            return withLetter(letter, wasThere, state, by: step.end, isCertain: step.isCertain) { state in
                var next = state.moved(to: .waiting)
                next.deliveries = 0
                if let former = state.messageID { next.formerIDs.insert(former) }
                next.messageID = nil
                return next
            }
        case .deleteLetter(let letter, let wasThere):
            return withLetter(letter, wasThere, state, by: step.end, isCertain: step.isCertain) { leave($0, .deleted) }
        case .find(let found): return find(found, state, by: step.end)
        }
    }

    private func post(_ posting: FrameStep.Posting, _ messageID: String?, _ state: FrameState) -> [FrameState] {
        var next = state
        if state.place == .unwritten {
            guard posting != .known else { return [] }
            next = state.moved(to: .waiting)
            next.messageID = messageID
            next.firstID = messageID
            return [next]
        }
        // Under a key that is known nothing is written.
        guard posting == .known else { return [] }
        guard state.firstID == nil || state.firstID == messageID else { return [] }
        next.firstID = messageID
        return [next]
    }

    private func handedOut(_ handOut: FrameStep.HandOut, _ state: FrameState, by end: Duration) -> [FrameState] {
        guard maxDeliveries == 0 || handOut.deliveries <= maxDeliveries else { return [] }
        if state.place == .gone(.deleted), handOut.receipt == nil, state.time <= state.since + onItsWay {
            return [state]
        }
        return waiting(state, by: end).compactMap { waiting in
            let least = waiting.deliveries + 1
            guard (least...(least + unreadSince(waiting, by: end))).contains(handOut.deliveries),
                let messageID = named(handOut.messageID, waiting)
            else { return nil }
            let isLeased = handOut.receipt != nil
            var next = waiting.moved(to: isLeased ? .leased(until: waiting.time + handOut.lease) : .taken)
            next.messageID = messageID
            next.deliveries = handOut.deliveries
            next.receipt = handOut.receipt
            next.isNacked = false
            next.isReset = handOut.isReset
            next.processDied = handOut.processDied
            return next
        }
    }

    /// The message id, if it can be the frame's.
    private func named(_ messageID: String, _ state: FrameState) -> String? {
        guard let known = state.messageID else { return state.formerIDs.contains(messageID) ? nil : messageID }
        return known == messageID ? messageID : nil
    }

    // MARK: Receipts

    private func settle(
        _ settling: FrameStep.Settling,
        _ receipt: String,
        _ outcome: FrameStep.Outcome?,
        _ state: FrameState,
        by end: Duration
    ) -> [FrameState] {
        switch outcome {
        case .settled?: take(settling, receipt, state, by: end)
        case .neither?: again(settling, receipt, state)
        case .stale?: stale(receipt, state, by: end)
        case .notStale?, nil: take(settling, receipt, state, by: end) + again(settling, receipt, state)
        }
    }

    /// It had its effect.
    private func take(
        _ settling: FrameStep.Settling,
        _ receipt: String,
        _ state: FrameState,
        by end: Duration
    ) -> [FrameState] {
        let isHeld =
            switch state.place {
            case .leased, .waiting: state.receipt == receipt
            default: false
            }
        guard isHeld else { return [] }
        var next = state
        func die(_ reason: String, otherwise: String) {
            next = state.moved(to: .dead(letter: nil, reasons: [reason.isEmpty ? otherwise : reason]))
            next.receipt = nil
            next.settled[receipt] = state.time
        }
        switch settling {
        case .ack:
            next = leave(state, .settled)
            next.settled[receipt] = state.time
        case .nack(let delay, let reason):
            if state.isNacked { return [] }
            if isLast(state.deliveries) {
                die(reason, otherwise: "nacked")
            } else {
                next = state.moved(to: delay > .zero ? .leased(until: state.time + delay) : .waiting)
                next.isNacked = true
                next.isReset = false
            }
        case .extend(let duration):
            next = state.moved(to: .leased(until: state.time + duration))
            next.isNacked = false
            next.isReset = false
        case .reject(let reason): die(reason, otherwise: "rejected")
        }
        return [next]
    }

    /// It had its effect before.
    private func again(_ settling: FrameStep.Settling, _ receipt: String, _ state: FrameState) -> [FrameState] {
        if state.settled[receipt] != nil { return [state] }
        if case .nack = settling, state.isNacked, state.receipt == receipt { return [state] }
        return []
    }

    private func stale(_ receipt: String, _ state: FrameState, by end: Duration) -> [FrameState] {
        if let time = state.settled[receipt] { return end >= time + settledWindow - tolerance ? [state] : [] }
        guard state.receipt == receipt else { return [state] }
        // It was the frame's: so the frame was taken from it by something that nobody was told of.
        let lost = waiting(state, by: end).compactMap { waiting -> FrameState? in
            guard waiting.receipt == nil || unreadSince(waiting, by: end) > 0 else { return nil }
            var next = waiting
            next.receipt = nil
            next.isNacked = false
            return next
        }
        return lost + dead(state, by: end) + vanished(state, by: end)
    }

    // MARK: Deleting, and dead letters

    private func isInQueue(_ state: FrameState) -> Bool {
        switch state.place {
        case .waiting, .leased, .taken: true
        case .unwritten, .dead, .gone: false
        }
    }

    private func delete(_ messageID: String, _ wasThere: Bool?, _ state: FrameState, by end: Duration) -> [FrameState] {
        if wasThere == false {
            let isAnother = named(messageID, state) == nil
            // One that was handed out without a lease is there until the service has settled it.
            let isAway = !isInQueue(state) || isAnother || state.place == .taken
            return (isAway ? [state] : []) + dead(state, by: end) + vanished(state, by: end)
        }
        return isInQueue(state) && named(messageID, state) != nil ? [leave(state, .deleted)] : []
    }

    private func purge(_ state: FrameState, by end: Duration, isCertain: Bool) -> [FrameState] {
        let deleted = isInQueue(state) ? [leave(state, .deleted)] : []
        guard isCertain else { return deleted }
        return deleted + (isInQueue(state) ? [] : [state]) + dead(state, by: end) + vanished(state, by: end)
    }

    private func show(_ letter: FrameStep.Letter, _ state: FrameState, by end: Duration) -> [FrameState] {
        dead(state, by: end).compactMap { dead in
            guard case .dead(let known, let reasons) = dead.place, known == nil || known == letter.id,
                reasons.contains(letter.reason), dead.deliveries == letter.deliveries,
                let messageID = named(letter.formerID, dead)
            else { return nil }
            var next = dead
            next.messageID = messageID
            next.place = .dead(letter: letter.id, reasons: reasons)
            return next
        }
    }

    private func withLetter(
        _ letter: String?,
        _ wasThere: Bool?,
        _ state: FrameState,
        by end: Duration,
        isCertain: Bool,
        _ become: (FrameState) -> FrameState
    ) -> [FrameState] {
        func isMeant(_ state: FrameState) -> Bool {
            guard case .dead(let known, _) = state.place else { return false }
            return letter == nil || known == letter
        }
        let isThere = isMeant(state)
        let done = dead(state, by: end).filter(isMeant).map(become)
        switch wasThere {
        case true?: return done
        case false?: return isThere ? [] : [state]
        case nil: return isCertain && !isThere ? done + [state] : done
        }
    }

    // MARK: At rest

    private func find(_ found: FrameStep.Found, _ state: FrameState, by end: Duration) -> [FrameState] {
        switch found {
        case .waiting(let messageID):
            return waiting(state, by: end).filter { named(messageID, $0) != nil }
        case .dead(let letter):
            return show(letter, state, by: end)
        case .nothing:
            switch state.place {
            case .gone, .unwritten: return [state]
            // It has reached its caller after all.
            case .taken: return [leave(state, .settled)] + vanished(state, by: end)
            default: return vanished(state, by: end)
            }
        }
    }
}

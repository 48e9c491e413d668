internal import EventLoopExecution
internal import Logging
internal import NIOCore
internal import RedisClient

extension FrameBuffer {
    /// A call of a script about frames in hand.
    func call(_ script: RedisScript, _ arguments: [String] = []) -> ScriptCall {
        ScriptCall(
            script,
            keys: keys.all,
            [configuration.group, configuration.terms] + arguments
        )
    }

    // MARK: Leasing

    /// Leases the frames that were dealt to polls that want them so, all in one call; the polls end with its reply.
    func lease(_ deals: [(poll: Poll, terms: LeaseTerms, frames: [DequeuedFrame])]) {
        var arguments = [process.consumers]
        let deals = deals.map { poll, terms, frames in
            let leased = frames.map { frame in
                var frame = frame
                let lease = Lease(receipt: Receipt(for: frame.delivery.id), duration: terms.duration)
                frame.delivery.lease = lease
                let (frameID, context) = frame.withStored {
                    ($0.frameID, $0.carriedContext(FrameSpans.context).context)
                }
                arguments += [
                    frame.delivery.id.description, frame.delivery.id.padded, String(terms.duration.milliseconds),
                    lease.receipt.tokenText, terms.holder, context.map(FrameSpans.traceparent) ?? "", frameID ?? "",
                ]
                return frame
            }
            return (poll: poll, frames: leased)
        }
        let call = call(LeaseScripts.lease, arguments)
        redis.assumeIsolated { redis in
            redis.send(call) { result in self.assumeIsolated { $0.leased(deals, result) } }
        }
    }

    private func leased(_ deals: [(poll: Poll, frames: [DequeuedFrame])], _ result: Result<RedisReply, RedisError>) {
        var place = 0
        for (poll, frames) in deals {
            switch result {
            case .success(let reply):
                // Those that were taken away meanwhile, as we were taken for dead, are somebody else's.
                let given = frames.indices.filter { reply.value[place + $0]?.integer == 1 }.map { frames[$0] }
                for frame in frames { inHand.remove(frame.delivery.id) }
                place += frames.count
                activity.dequeued += given.count
                poll.resume(returning: .success(given))
            case .failure(let error):
                // It may have been done all the same: returning takes such a lease back.
                for frame in frames { putBack(frame.delivery) }
                poll.resume(returning: error.code == .noGroup ? .success([]) : .failure(self.error(error)))
            }
        }
    }

    // MARK: Settling

    /// Does with the frames of these receipts what their holder wants, in one step; a receipt counts once.
    ///
    /// Each of them has its effect, is stale, or is known to have had it already, for ``QueueConfiguration/settledWindow``.
    /// Throws ``FrameBufferError``: what Redis said. After ``RedisError/Code/lostReply`` it may be done: asking again is
    /// harmless.
    package func settle(
        _ receipts: [Receipt],
        as settlement: Settlement,
        for caller: Caller
    ) async throws(FrameBufferError) -> SettlementOutcome {
        let span = spans.startSettlement(settlement, caller: caller)
        var seen: Set<Receipt> = []
        let receipts = receipts.filter { seen.insert($0).inserted }
        do throws(RedisError) {
            let (outcome, frames) = try await settle(receipts, as: settlement)
            switch settlement {
            case .ack: activity.settled += outcome.settled
            case .nack: activity.nacked += outcome.settled
            case .extend, .reject: break
            }
            spans.endSettlement(span, settlement, of: frames, outcome: outcome)
            return outcome
        } catch {
            let error = self.error(error)
            spans.endSettlement(span, settlement, error: error)
            throw error
        }
    }

    private func settle(
        _ receipts: [Receipt],
        as settlement: Settlement
    ) async throws(RedisError) -> (SettlementOutcome, [SettledFrame]) {
        // Made anew it has no leases, and that is what the script finds.
        let (outcomes, start) = try await withGroup { () throws(RedisError) in
            let answer = await withUnsafeContinuation { join(settlement, receipts, $0) }
            return (try answer.reply.get().value[0], answer.start)
        }
        var stale: [Receipt] = []
        var frames: [SettledFrame] = []
        for (index, receipt) in receipts.enumerated() {
            let outcome = outcomes?[start + index]
            if let frame = outcome?.withBytes({ SettledFrame(receipt.messageID, record: $0) }) ?? nil {
                frames.append(frame)
                continue
            }
            switch outcome?.integer {
            case 0: stale.append(receipt)
            case 1: break
            default: throw RedisError(.protocolViolation, "\(settlement.name): an outcome of each receipt was expected")
            }
        }
        return (SettlementOutcome(settled: frames.count, stale: stale), frames)
    }

    /// Has receipts settled together with those that this turn of the loop brings besides.
    private func join(_ settlement: Settlement, _ receipts: [Receipt], _ waiter: SettlementTurn.Waiter) {
        if let turn = openSettlements[settlement], turn.hasRoom(for: receipts.count) {
            return turn.add(receipts, waiter)
        }
        let turn = SettlementTurn()
        turn.add(receipts, waiter)
        openSettlements[settlement] = turn
        let opened = NIOLoopBound(turn, eventLoop: eventLoop)
        eventLoop.execute { self.assumeIsolated { $0.send(settlement, opened.value) } }
    }

    private func send(_ settlement: Settlement, _ turn: SettlementTurn) {
        if openSettlements[settlement] === turn { openSettlements[settlement] = nil }
        let call = call(
            settlement.script,
            [
                String(configuration.settledWindow.milliseconds), process.consumer(loop: loop, life: life),
                String(settlement.duration.milliseconds), settlement.reason,
            ] + turn.receipts.map(\.padded)
        )
        let sent = NIOLoopBound(turn, eventLoop: eventLoop)
        redis.assumeIsolated { redis in
            redis.send(call) { result in
                self.assumeIsolated { $0.settled(settlement, result) }
                sent.value.answered(result)
            }
        }
    }

    private func settled(_ settlement: Settlement, _ result: Result<RedisReply, RedisError>) {
        guard case .success(let reply) = result else { return }
        died(reply.value[1])
        if case .nack = settlement { mayBeReady = true }
    }

    // MARK: Lapsing

    /// Returns frames whose leases have run out, within a second of their end and whether or not anybody polls, until it is
    /// cancelled. One loop of a process does it for all.
    package func returnLapsed() async {
        let portion = 100
        while !Task.isCancelled {
            // Without Redis or the group nothing can be returned; that they are missing is said elsewhere.
            while let due = try? await sweep(portion), due == portion {}
            await executor.sleep(for: .milliseconds(500))
        }
    }

    private func sweep(_ portion: Int) async throws(RedisError) -> Int {
        let answer = try await redis.call(call(LeaseScripts.sweep, [String(portion)])).value
        died(answer[1])
        let due = answer[0]?.integer ?? 0
        if due > 0 {
            mayBeReady = true
            logger.debug("leases ran out", metadata: ["queue": "\(keys.stream)", "frames": "\(due)"])
        }
        return due
    }
}

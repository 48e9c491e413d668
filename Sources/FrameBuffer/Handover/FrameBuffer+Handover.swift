internal import Logging
internal import NIOCore
internal import RedisClient

extension FrameBuffer {
    /// The most frames that one script call is about.
    private static let framesACall = 1000

    /// Frames that were handed out here have reached their caller, or not. To be called on the loop.
    ///
    /// That they have, as most do, is only noted: outside of a task, to enter the actor takes as long as all the rest.
    package nonisolated func delivered(_ deliveries: [Delivery], _ haveReached: Bool) {
        guard haveReached else {
            return assumeIsolated { buffer in
                for delivery in deliveries { buffer.giveBack(delivery) }
            }
        }
        // Of the frames of one poll all are leased, or none is.
        guard deliveries.first?.lease == nil else { return }
        if reached.value.isEmpty { eventLoop.execute { self.assumeIsolated { $0.scheduleHandover() } } }
        reached.value += deliveries
    }

    /// The frame has reached its caller: it is acknowledged, and deleted where no other group wants it. A lease is the
    /// caller's to settle.
    package func settle(_ delivery: Delivery) {
        guard delivery.lease == nil else { return }
        handover.settled.append(delivery)
        scheduleHandover()
    }

    /// The frame has reached nobody: it goes back to its place in the queue, and this delivery doesn't count. If it was
    /// leased, its lease ends, unless it has been settled or extended since, or given to somebody else.
    package func giveBack(_ delivery: Delivery) {
        var delivery = delivery
        delivery.failures += 1
        activity.returned += 1
        putBack(delivery)
    }

    /// The same for a frame that was on its way to nobody yet: it has not failed to reach a caller.
    func putBack(_ delivery: Delivery) {
        inHand.remove(delivery.id)
        handover.returned.append(delivery)
        scheduleHandover()
    }

    /// Nobody wants the frame any more: it is settled, counted, and ends its trace with a span that says why.
    func giveUp(_ unwanted: UnwantedFrame) {
        handover.unwanted.append(unwanted)
        scheduleHandover()
    }

    /// The frame can't be served: it goes to the dead letters.
    func bury(_ delivery: Delivery, reason: String) {
        handover.buried.append((delivery, reason))
        scheduleHandover()
    }

    /// Whether frames were handed out here that Redis doesn't know yet to be settled or returned.
    package var hasFramesInHand: Bool { !inHand.isEmpty || !handover.returned.isEmpty || returning > 0 }

    // MARK: Telling Redis

    /// All of one turn of the loop goes in one call of each script.
    private func scheduleHandover() {
        guard !isHandoverDue, !isHandoverDelayed else { return }
        isHandoverDue = true
        eventLoop.execute {
            self.assumeIsolated { buffer in
                // A look hands over first: that frames are settled leaves in one write with what it asks.
                if !buffer.isLookDue { buffer.handOver() }
            }
        }
    }

    /// Tells Redis at once what there is to tell; that frames are settled, over the connection given, if there is one.
    func handOverUnlessDelayed(on connection: RedisConnection? = nil) {
        if !isHandoverDelayed { handOver(on: connection) }
    }

    private func handOver(on connection: RedisConnection? = nil) {
        isLookDue = false
        isHandoverDue = false
        isHandoverDelayed = false
        handover.settled += reached.value
        reached.value.removeAll(keepingCapacity: true)
        let due = handover
        handover = Handover()
        for start in stride(from: 0, to: due.settled.count, by: Self.framesACall) {
            settle(Array(due.settled[start..<min(start + Self.framesACall, due.settled.count)]), on: connection)
        }
        for start in stride(from: 0, to: due.returned.count, by: Self.framesACall) {
            giveBack(Array(due.returned[start..<min(start + Self.framesACall, due.returned.count)]))
        }
        for start in stride(from: 0, to: due.unwanted.count, by: Self.framesACall) {
            giveUp(Array(due.unwanted[start..<min(start + Self.framesACall, due.unwanted.count)]))
        }
        for (delivery, reason) in due.buried {
            send(buryCall(delivery, reason), about: [delivery]) {
                $0.buried.append((delivery, reason))
            } done: { buffer, value in
                buffer.died(value)
            }
        }
    }

    private func settle(_ deliveries: [Delivery], on connection: RedisConnection?) {
        // Whoever was taken for dead may have lost a frame to somebody else: then only what is still ours is settled.
        let owner = process.isOverdue(now: .now()) ? process.consumers : ""
        let words = [configuration.group, configuration.terms, owner]
        let call = ScriptCall(
            QueueScripts.settle,
            keys: [keys.stream, keys.kept, keys.ready, keys.counters],
            count: words.count + deliveries.count,
            size: RESPEncoder.bulkSize(of: words)
                + deliveries.count * RESPEncoder.bulkSize(StreamID.maximumCount)
        ) { encoder in
            for word in words { encoder.bulk(word) }
            for delivery in deliveries { encoder.bulk(count: StreamID.maximumCount, delivery.id.pad) }
        }
        send(call, about: deliveries, on: connection) {
            $0.settled += deliveries
        } done: { buffer, value in
            buffer.activity.settled += deliveries.count
            buffer.saw(groups: value.integer ?? 1)
        }
    }

    private func giveBack(_ deliveries: [Delivery]) {
        let call = call(
            QueueScripts.giveBack,
            [process.consumers, String(configuration.failures)]
                + deliveries.flatMap { [$0.id.padded, String($0.failures), $0.lease?.receipt.tokenText ?? ""] }
        )
        returning += 1
        // No longer in hand: by the time the reply is read they may be handed out again.
        send(call, about: []) {
            $0.returned += deliveries
        } done: { buffer, value in
            buffer.died(value)
            buffer.mayBeReady = true
        } always: { buffer in
            buffer.returning -= 1
            guard buffer.returning == 0 else { return }
            buffer.returned?.resume()
            buffer.returned = nil
        }
    }

    /// Waits until Redis was told of the frames that came back here, or could not be: whoever asks next is to have them
    /// before newer ones.
    func returnsAreKnown() async {
        if !handover.returned.isEmpty { handOver() }
        await withCheckedContinuation { continuation in
            guard returning > 0 else { return continuation.resume() }
            returned = continuation
        }
    }

    private func giveUp(_ unwanted: [UnwantedFrame]) {
        let call = call(
            QueueScripts.giveUp,
            [process.consumers]
                + unwanted.flatMap { [$0.delivery.id.padded, $0.reason.rawValue, $0.frame.cameraID ?? ""] }
        )
        send(call, about: unwanted.map(\.delivery)) {
            $0.unwanted += unwanted
        } done: { buffer, value in
            for (index, frame) in unwanted.enumerated() where value[index]?.integer == 1 { buffer.spans.ended(frame) }
        }
    }

    private func buryCall(_ delivery: Delivery, _ reason: String) -> ScriptCall {
        call(QueueScripts.bury, [delivery.id.padded, reason, String(delivery.number)])
    }

    /// Calls a script about frames in hand; what Redis could not be told now it is told later. Each of them does no harm twice.
    private func send(
        _ call: ScriptCall,
        about deliveries: [Delivery],
        on connection: RedisConnection? = nil,
        again: @escaping @Sendable (inout Handover) -> Void,
        done: @escaping @Sendable (isolated FrameBuffer, RedisValue) -> Void = { _, _ in },
        always: @escaping @Sendable (isolated FrameBuffer) -> Void = { _ in }
    ) {
        let completion: RedisConnection.Completion = { result in
            self.assumeIsolated { buffer in
                switch result {
                case .success(let reply):
                    for delivery in deliveries { buffer.inHand.remove(delivery.id) }
                    done(buffer, reply.value)
                // Without the group, or the stream, there is nothing to settle: what is still there comes again.
                case .failure(let error) where error.code == .noGroup || error.code == .wrongType:
                    for delivery in deliveries { buffer.inHand.remove(delivery.id) }
                case .failure(let error):
                    buffer.logger.debug("what became of frames is told again", metadata: ["reason": "\(error)"])
                    again(&buffer.handover)
                    buffer.retryHandover()
                }
                always(buffer)
            }
        }
        if let connection {
            connection.assumeIsolated { _ = $0.send(call, completion: completion) }
        } else {
            redis.assumeIsolated { $0.send(call, completion: completion) }
        }
    }

    private func retryHandover() {
        guard !isHandoverDue, !isHandoverDelayed else { return }
        isHandoverDelayed = true
        eventLoop.scheduleTask(in: limits.longestPause) { self.assumeIsolated { $0.handOver() } }
    }
}

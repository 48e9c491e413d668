internal import FrameTracking
internal import Logging
internal import NIOCore
internal import RedisClient

extension FrameBuffer {
    /// Where a frame stands once Redis has it.
    struct Place: Sendable {
        let id: StreamID
        /// How many frames the queue holds, this one included: waiting and in hand.
        let depth: Int
    }

    /// Writes one frame, with an id of its own where it has none, and the context of its span. It returns once Redis has it.
    ///
    /// Cancelling does nothing: what was begun is finished. Throws ``FrameBufferError``: full, or what Redis said; after
    /// ``RedisError/Code/lostReply`` the frame may be in the queue or not.
    package func enqueue(_ frame: IncomingFrame, for caller: Caller) async throws(FrameBufferError) -> EnqueuedFrame {
        // What needs no waiting is done elsewhere: it would only make the task's memory larger.
        let (entry, span) = begin(frame, for: caller)
        guard configuration.overflow == .reject, !mayBeFull else {
            return try end(span, entry, await sendWithCare(entry))
        }
        let result = await withUnsafeContinuation { (waiter: EnqueueTurn.Waiter) in send(entry, waiter) }
        return try end(span, entry, placed(result))
    }

    @inline(never)
    private func begin(_ frame: IncomingFrame, for caller: Caller) -> (StreamEntry, SpanRecord) {
        let frameID = frame.frameID ?? FrameID.generate(cameraID: frame.cameraID ?? "unknown", source: "http")
        let (span, context) = spans.startEnqueue(frame, caller: caller)
        return (StreamEntry(frame: frame, frameID: frameID, context: context), span)
    }

    @inline(never)
    private func end(
        _ span: SpanRecord,
        _ entry: StreamEntry,
        _ outcome: Result<Place, FrameBufferError>
    ) throws(FrameBufferError) -> EnqueuedFrame {
        spans.endEnqueue(span, frame: entry.frame, frameID: entry.frameID, outcome: outcome)
        let place = try outcome.get()
        activity.enqueued += 1
        noteLast(of: entry.frame, entry.frameID, place.id)
        return EnqueuedFrame(
            frameID: entry.frameID,
            messageID: place.id,
            queueSize: place.depth,
            context: entry.context
        )
    }

    /// Whether Redis has to be asked whether there is room, before a payload is sent.
    private var mayBeFull: Bool {
        byteCapacity != nil || configuration.overflow == .reject && depth.wasFull(configuration.capacity)
    }

    /// The same where it may be full, or others are dropped.
    @inline(never)
    private func sendWithCare(_ entry: StreamEntry) async -> Result<Place, FrameBufferError> {
        if mayBeFull, let refusal = await refusal(of: entry) { return .failure(refusal) }
        guard configuration.overflow == .reject else { return await sendDropping(entry) }
        return placed(await withUnsafeContinuation { (waiter: EnqueueTurn.Waiter) in send(entry, waiter) })
    }

    @inline(never)
    private func refusal(of entry: StreamEntry) async -> FrameBufferError? {
        do throws(FrameBufferError) {
            try await measureBytes(for: entry.memory)
            guard configuration.overflow == .reject, depth.wasFull(configuration.capacity) else { return nil }
            return try await currentSize() < configuration.capacity ? nil : full
        } catch {
            return error
        }
    }

    /// Only who drops frames needs the group.
    @inline(never)
    private func sendDropping(_ entry: StreamEntry) async -> Result<Place, FrameBufferError> {
        do throws(RedisError) {
            let place = try await withGroup { () throws(RedisError) in
                try await withUnsafeContinuation { (waiter: EnqueueTurn.Waiter) in send(entry, waiter) }.get()
            }
            return placed(.success(place))
        } catch {
            return placed(.failure(error))
        }
    }

    private func placed(_ result: Result<Place?, RedisError>) -> Result<Place, FrameBufferError> {
        result.mapError(self.error).flatMap { $0.map { .success($0) } ?? .failure(full) }
    }

    private func send(_ entry: StreamEntry, _ waiter: EnqueueTurn.Waiter) {
        // Looked at here and not before: all that comes between a look and its frame would find the same room.
        let excess = byteCapacity?.excess(of: entry.memory) ?? 0
        if excess == 0, depth.hasRoom(in: configuration.capacity, now: .now()) {
            add(entry, waiter)
        } else if isRefused(excess) {
            waiter.resume(returning: .success(nil))
        } else {
            addIfRoom(entry, making: excess, waiter)
        }
    }

    /// Whether a payload need not be sent, as so many bytes would have to leave first. What is all alone always has room.
    func isRefused(_ excess: Int) -> Bool {
        configuration.overflow == .reject && excess > 0 && !depth.isEmpty
    }

    var full: FrameBufferError {
        let rest = configuration.overflow == .reject ? "" : ", and all of them are in hand"
        return FrameBufferError(.full, "the queue \(keys.stream) holds all the \(bounds) it may\(rest)")
    }

    /// How much the queue may hold, for a person.
    var bounds: String {
        "\(configuration.capacity) frames" + (configuration.capacityBytes.map { " or \($0) bytes" } ?? "")
    }

    // MARK: With room to spare

    private func add(_ entry: StreamEntry, _ waiter: EnqueueTurn.Waiter) {
        let turn = openTurn ?? beginTurn()
        turn.add(entry, waiter)
        depth.sent()
        byteCapacity?.sent(entry.memory)
        if turn.isFull { closeTurn() }
    }

    private func beginTurn() -> EnqueueTurn {
        let turn = EnqueueTurn()
        openTurn = turn
        eventLoop.execute { self.assumeIsolated { $0.closeTurn() } }
        return turn
    }

    /// Sends the frames of the turn, and asks behind them how deep the queue is.
    func closeTurn() {
        guard let turn = openTurn else { return }
        openTurn = nil
        let (stream, kept) = (keys.stream, keepsSettled ? keys.kept : nil)
        let closed = NIOLoopBound(turn, eventLoop: eventLoop)
        redis.assumeIsolated { redis in
            redis.send(closed.value.count + 2) { connection in
                for (index, frame) in closed.value.frames.enumerated() {
                    connection.add(frame.entry, to: stream) { result in
                        closed.value.answered(index, result.flatMap(Self.streamID))
                    }
                }
                if let kept {
                    connection.count("ZCARD", kept) { result in
                        if case .success(let reply) = result { closed.value.kept = reply.value.integer ?? 0 }
                    }
                }
                connection.count("XLEN", stream) { result in
                    self.assumeIsolated { $0.sawDepth(result, turn: closed.value) }
                }
                if closed.value.isFull { connection.flush() }
            } refusal: { error in
                for index in closed.value.frames.indices { closed.value.answered(index, .failure(error)) }
                self.assumeIsolated { $0.sawDepth(.failure(error), turn: closed.value) }
            }
        }
    }

    private func sawDepth(_ result: Result<RedisReply, RedisError>, turn: EnqueueTurn) {
        // Not before: between a frame's own answer and this one it would be in neither number.
        depth.arrived(turn.count)
        byteCapacity?.correct(-turn.refusedBytes)
        if case .success(let reply) = result, let length = reply.value.integer {
            depth.saw(length - turn.kept, now: .now())
        }
        turn.saw(depth: depth.size)
    }

    private static func streamID(_ reply: RedisReply) -> Result<StreamID, RedisError> {
        guard let id = reply.value.withBytes({ StreamID($0) }), let id else {
            return .failure(RedisError(.protocolViolation, "XADD: an id was expected"))
        }
        return .success(id)
    }

    // MARK: Near the bound

    private func addIfRoom(_ entry: StreamEntry, making room: Int, _ waiter: EnqueueTurn.Waiter) {
        let call = call(for: entry, making: room)
        depth.sent()
        byteCapacity?.sent(entry.memory, making: room)
        redis.assumeIsolated { redis in
            redis.send(call) { result in
                waiter.resume(returning: self.assumeIsolated { $0.addedIfRoom(entry, making: room, result) })
            }
        }
    }

    private func call(for entry: StreamEntry, making room: Int) -> ScriptCall {
        let words = wordsToDrop
        let capacity = configuration.capacity
        return ScriptCall(
            configuration.overflow == .reject ? QueueScripts.enqueue : QueueScripts.enqueueDropping,
            keys: configuration.overflow == .reject ? [keys.stream, keys.kept] : keys.all,
            count: words.count + 2 + entry.wordCount,
            size: entry.size + 2 * RESPEncoder.bulkSize(RESPEncoder.longestNumber)
                + RESPEncoder.bulkSize(of: words)
        ) { encoder in
            for word in words { encoder.bulk(word) }
            encoder.bulk(capacity)
            encoder.bulk(room)
            entry.encode(into: &encoder)
        }
    }

    /// What a script that adds frames has to know before the rest, to drop others for them: group, terms, consumer. Nothing where frames are refused instead.
    var wordsToDrop: [String] {
        configuration.overflow == .reject
            ? [] : [configuration.group, configuration.terms, process.consumer(loop: loop, life: life)]
    }

    /// Where the frame stands; nil where the queue is full.
    private func addedIfRoom(
        _ entry: StreamEntry,
        making room: Int,
        _ result: Result<RedisReply, RedisError>
    ) -> Result<Place?, RedisError> {
        depth.arrived()
        if byteCapacity != nil {
            let answer = try? result.get().value
            let written = answer?[0]?.string == nil ? 0 : entry.memory
            let freed = answer?[3]?.integer ?? 0
            byteCapacity?.correct((written - freed) - (entry.memory - room))
        }
        return result.flatMap { reply in
            dropped(reply.value[2])
            guard reply.value.count >= 2, let size = reply.value[1]?.integer else {
                return .failure(RedisError(.protocolViolation, "enqueue: an id and a size were expected"))
            }
            depth.saw(size, now: .now())
            return .success(
                reply.value[0]?.withBytes { StreamID($0) }.flatMap(\.self).map { Place(id: $0, depth: size) }
            )
        }
    }

    /// Frames that made room for newer ones: each ends its trace with a span that says so.
    func dropped(_ frames: RedisValue?) {
        guard let frames, frames.count > 0 else { return }
        let contexts = (0..<frames.count).compactMap { frames[$0].flatMap(EndedFrame.init) }.map { spans.dropped($0) }
        logger.debug(
            "frames made room",
            metadata: ["queue": "\(keys.stream)", "frames": "\(frames.count)"]
                .merging(contexts.first??.logMetadata ?? [:]) { $1 }
        )
    }
}

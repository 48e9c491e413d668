internal import FrameTracking
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
        let frameID = frame.frameID ?? FrameID.generate(cameraID: frame.cameraID ?? "unknown", source: "http")
        let (span, context) = spans.startEnqueue(frame, caller: caller)
        let outcome = await write(StreamEntry(frame: frame, frameID: frameID, context: context))
        spans.endEnqueue(span, frame: frame, frameID: frameID, outcome: outcome)
        let place = try outcome.get()
        return EnqueuedFrame(frameID: frameID, messageID: place.id, queueSize: place.depth, context: context)
    }

    private func write(_ entry: StreamEntry) async -> Result<Place, FrameBufferError> {
        do throws(FrameBufferError) {
            if depth.wasFull(configuration.capacity), try await currentSize() >= configuration.capacity { throw full }
        } catch {
            return .failure(error)
        }
        let result = await withUnsafeContinuation { (waiter: EnqueueTurn.Waiter) in
            // Looked at here and not before: all that comes between a look and its frame would find the same room.
            if !isShared, depth.hasRoom(in: configuration.capacity, now: .now()) {
                add(entry, waiter)
            } else {
                addIfRoom(entry, waiter)
            }
        }
        return result.mapError(self.error).flatMap { $0.map { .success($0) } ?? .failure(full) }
    }

    var full: FrameBufferError {
        FrameBufferError(.full, "the queue \(keys.stream) holds all the \(configuration.capacity) frames it may")
    }

    // MARK: With room to spare

    private func add(_ entry: StreamEntry, _ waiter: EnqueueTurn.Waiter) {
        // The tick is due before the connection's flush, which sending schedules: its XLEN leaves in the same write.
        let turn = openTurn ?? beginTurn()
        turn.sent()
        depth.sent()
        let stream = keys.stream
        redis.assumeIsolated { redis in
            let size = RESPEncoder.arraySize + RESPEncoder.bulkSize(4 + stream.utf8.count + 1) + entry.size + 64
            redis.send("XADD", size: size) { encoder in
                encoder.array(3 + entry.wordCount)
                encoder.bulk("XADD")
                encoder.bulk(stream)
                encoder.bulk("*")
                entry.encode(into: &encoder)
            } completion: { result in
                turn.answered(waiter, result.flatMap(Self.streamID))
            }
        }
    }

    private func beginTurn() -> EnqueueTurn {
        let turn = EnqueueTurn()
        openTurn = turn
        eventLoop.execute { self.assumeIsolated { $0.closeTurn() } }
        return turn
    }

    private func closeTurn() {
        guard let turn = openTurn else { return }
        openTurn = nil
        let stream = keys.stream
        redis.assumeIsolated { redis in
            let size = RESPEncoder.arraySize + RESPEncoder.bulkSize(4) + RESPEncoder.bulkSize(stream.utf8.count)
            redis.send("XLEN", size: size) { encoder in
                encoder.array(2)
                encoder.bulk("XLEN")
                encoder.bulk(stream)
            } completion: { result in
                self.assumeIsolated { $0.sawDepth(result, turn: turn) }
            }
        }
    }

    private func sawDepth(_ result: Result<RedisReply, RedisError>, turn: EnqueueTurn) {
        // Not before: between a frame's own answer and this one it would be in neither number.
        depth.arrived(turn.count)
        if case .success(let reply) = result, let size = reply.value.integer { depth.saw(size, now: .now()) }
        turn.saw(depth: depth.size)
    }

    private static func streamID(_ reply: RedisReply) -> Result<StreamID, RedisError> {
        guard let id = reply.value.withBytes({ StreamID($0) }), let id else {
            return .failure(RedisError(.protocolViolation, "XADD: an id was expected"))
        }
        return .success(id)
    }

    // MARK: Near the bound

    private func addIfRoom(_ entry: StreamEntry, _ waiter: EnqueueTurn.Waiter) {
        let call = ScriptCall(
            QueueScripts.enqueue,
            keys: [keys.stream, keys.kept],
            count: 1 + entry.wordCount,
            size: entry.size + RESPEncoder.bulkSize(RESPEncoder.longestNumber)
        ) { encoder in
            encoder.bulk(configuration.capacity)
            entry.encode(into: &encoder)
        }
        depth.sent()
        redis.assumeIsolated { redis in
            redis.send(call) { result in
                waiter.resume(returning: self.assumeIsolated { $0.addedIfRoom(result) })
            }
        }
    }

    /// Where the frame stands; nil where the queue is full.
    private func addedIfRoom(_ result: Result<RedisReply, RedisError>) -> Result<Place?, RedisError> {
        depth.arrived()
        return result.flatMap { reply in
            guard reply.value.count == 2, let size = reply.value[1]?.integer else {
                return .failure(RedisError(.protocolViolation, "enqueue: an id and a size were expected"))
            }
            depth.saw(size, now: .now())
            return .success(
                reply.value[0]?.withBytes { StreamID($0) }.flatMap(\.self).map { Place(id: $0, depth: size) }
            )
        }
    }
}

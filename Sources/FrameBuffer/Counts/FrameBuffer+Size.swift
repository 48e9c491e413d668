internal import NIOCore
internal import RedisClient

extension FrameBuffer {
    /// The most pending frames that are looked through for vanished ones at each count.
    private static let pendingScanned = 200

    /// Counts the queue, exactly and at this moment. A stream that does not exist holds nothing.
    package func size() async throws(FrameBufferError) -> QueueSize {
        do throws(RedisError) {
            var counts = try await count()
            if (1...Self.pendingScanned).contains(counts.pending) {
                ghostCursor = "0-0"
                do throws(RedisError) {
                    try await clearGhosts()
                    counts = try await count()
                } catch {
                    // A Redis that takes no writes can be counted all the same: what vanished is cleared away later.
                    guard error.code == .readOnly || error.code == .refusing else { throw error }
                }
            }
            let size = max(0, counts.length - counts.kept)
            return QueueSize(
                size: size,
                waiting: max(0, size - counts.pending),
                leased: counts.pending,
                dead: counts.dead,
                capacity: configuration.capacity,
                capacityBytes: configuration.capacityBytes,
                bytes: counts.length > 0 ? measured?.bytes ?? 0 : 0,
                oldestAge: size > counts.pending ? measured?.oldest.map(clock.age) : nil
            )
        } catch {
            throw self.error(error)
        }
    }

    /// How many frames wait and are in hand, and whether that is all there may be: what one look tells, on the slowest line.
    package func fill() async throws(FrameBufferError) -> (size: Int, isFull: Bool) {
        do throws(RedisError) {
            var counts = try await count()
            // Before it is said: an estimate may be behind.
            if !hasRoomForOneMore(counts) { counts = try await count(urgently: true) }
            let size = max(0, counts.length - counts.kept)
            return (size, size >= configuration.capacity || !hasRoomForOneMore(counts))
        } catch {
            throw self.error(error)
        }
    }

    /// How many frames wait and are in hand, without what takes longer to find out; `urgently`, where somebody is to be
    /// refused or dropped for their bytes.
    func currentSize(urgently: Bool = false) async throws(FrameBufferError) -> Int {
        do throws(RedisError) {
            let counts = try await count(urgently: urgently)
            return counts.length - counts.kept
        } catch {
            throw self.error(error)
        }
    }

    // MARK: Capacity

    /// Whether there are bytes left for one more frame such as those that are there. One that is alone always has them.
    private func hasRoomForOneMore(_ counts: Counts) -> Bool {
        let size = counts.length - counts.kept
        guard let byteCapacity, size > 0 else { return true }
        return byteCapacity.hasRoom(for: byteCapacity.used / size)
    }

    /// Makes sure, where bytes are bounded, that it is known how many there are: before anybody is refused or dropped, Redis
    /// is asked. Throws ``FrameBufferError/Code/tooLarge`` for frames that never fit.
    func measureBytes(for bytes: Int) async throws(FrameBufferError) {
        guard let byteCapacity else { return }
        guard bytes <= byteCapacity.most else {
            throw FrameBufferError(
                .tooLarge,
                "the queue \(keys.stream) holds at most \(byteCapacity.most) bytes, and this is \(bytes)"
            )
        }
        if !byteCapacity.isKnown || !byteCapacity.hasRoom(for: bytes) {
            _ = try await currentSize(urgently: true)
        } else if byteCapacity.isDue(now: .now()) {
            // Nobody waits for it: what is known is known well enough.
            count(measuring: true) { _ in }
        }
    }

    /// The stream has so many groups.
    func saw(groups: Int) {
        keepsSettled = configuration.retention == .stream || groups > 1
    }

    private struct Counts {
        let length: Int
        let pending: Int
        let kept: Int
        let dead: Int
    }

    private func count(urgently: Bool = false) async throws(RedisError) -> Counts {
        let now = NIODeadline.now()
        let isDue =
            byteCapacity?.isDue(urgently: urgently, now: now) ?? measured.map { now - $0.at >= .seconds(1) } ?? true
        let result = await withUnsafeContinuation { continuation in
            count(measuring: isDue) { continuation.resume(returning: $0) }
        }
        return try result.get()
    }

    private func count(measuring: Bool, _ completion: @escaping @Sendable (Result<Counts, RedisError>) -> Void) {
        if measuring, byteCapacity != nil {
            // What was sent before is to be in Redis before.
            closeTurn()
            byteCapacity?.willMeasure(now: .now())
        }
        let call = ScriptCall(
            QueueScripts.size,
            keys: [keys.stream, keys.ready, keys.kept, keys.dead],
            [configuration.group, measuring ? "1" : "0"]
        )
        redis.assumeIsolated { redis in
            // In the order of Redis' answers: a depth that is noted later would hide what was written since.
            redis.send(call) { result in
                completion(self.assumeIsolated { $0.counted(result, measuring: measuring) })
            }
        }
    }

    private func counted(_ result: Result<RedisReply, RedisError>, measuring: Bool) -> Result<Counts, RedisError> {
        let counts = result.flatMap { reply -> Result<Counts, RedisError> in
            let value = reply.value
            guard let length = value[0]?.integer, let pending = value[1]?.integer, let kept = value[2]?.integer,
                let dead = value[3]?.integer, let groups = value[4]?.integer
            else { return .failure(RedisError(.protocolViolation, "size: five numbers were expected")) }
            saw(groups: groups)
            depth.saw(length - kept, now: .now())
            if measuring {
                let bytes = value[5]?.integer ?? 0
                let captured = value[7]?.withBytes { FrameTimestamp.milliseconds(RawText($0)) }.flatMap(\.self)
                let enqueued = value[6]?.withBytes { StreamID($0) }.flatMap(\.self).map {
                    Int(clamping: $0.milliseconds)
                }
                let oldest = enqueued.map { FrameTime(captured: captured, enqueued: $0) }
                measured = (.now(), bytes, oldest)
                // Settled frames that stay take none of the room.
                byteCapacity?.measured(bytes - bytes / max(1, length) * kept, entries: length)
            }
            return .success(Counts(length: length, pending: pending, kept: kept, dead: dead))
        }
        if measuring, case .failure = counts { byteCapacity?.failedToMeasure() }
        return counts
    }
}

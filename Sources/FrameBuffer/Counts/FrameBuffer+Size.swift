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
                oldestAge: size > counts.pending ? measured?.oldest.map(clock.age) : nil,
                isFull: size >= capacity()
            )
        } catch {
            throw self.error(error)
        }
    }

    /// How many frames wait and are in hand, without what takes longer to find out.
    func currentSize() async throws(FrameBufferError) -> Int {
        do throws(RedisError) {
            let counts = try await count()
            return counts.length - counts.kept
        } catch {
            throw self.error(error)
        }
    }

    // MARK: Capacity

    /// The most frames that there may be together with `count` more, of `bytes` together.
    func capacity(with count: Int = 0, of bytes: @autoclosure () -> Int = 0) -> Int {
        guard let byteCapacity else { return configuration.capacity }
        return min(configuration.capacity, byteCapacity.frames(with: count, of: bytes()))
    }

    /// Makes sure, where bytes are bounded, that it is known how many there are. Throws ``FrameBufferError/Code/tooLarge`` for
    /// frames that never fit.
    func measureBytes(for bytes: Int = 0) async throws(FrameBufferError) {
        guard let byteCapacity else { return }
        guard bytes <= byteCapacity.most else {
            throw FrameBufferError(
                .tooLarge,
                "the queue \(keys.stream) holds at most \(byteCapacity.most) bytes, and this is \(bytes)"
            )
        }
        if byteCapacity.isUnknown {
            _ = try await currentSize()
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

    private func count() async throws(RedisError) -> Counts {
        let isMeasured = measured.map { NIODeadline.now() - $0.at < .seconds(1) } ?? false
        let result = await withUnsafeContinuation { continuation in
            count(measuring: !isMeasured) { continuation.resume(returning: $0) }
        }
        return try result.get()
    }

    private func count(measuring: Bool, _ completion: @escaping @Sendable (Result<Counts, RedisError>) -> Void) {
        if measuring { byteCapacity?.willMeasure(now: .now()) }
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
        result.flatMap { reply in
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
                byteCapacity?.measured(bytes, entries: length)
            }
            return .success(Counts(length: length, pending: pending, kept: kept, dead: dead))
        }
    }
}

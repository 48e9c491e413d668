internal import EventLoopExecution
internal import NIOCore
internal import RedisClient

/// Who reads along, and waits for what comes next.
struct Tail {
    let after: StreamID
    /// Is told why nothing can come, if that is so.
    let waiter: UnsafeContinuation<RedisError?, Never>
}

extension FrameBuffer {
    /// Reads along without taking anything, as `XREAD` does: what stands behind `after` or, where that is nil, what comes
    /// from now on. It waits up to `wait` for the first frame.
    ///
    /// Cancelled, or when the service stops, it returns what it has seen. Throws ``FrameBufferError``: too many wait
    /// already, or what Redis said.
    package func tail(after: StreamID?, count: Int, wait: Duration) async throws(FrameBufferError) -> Look {
        let deadline = NIODeadline.now() + TimeAmount(wait)
        var after = after
        if after == nil { after = try await lastID() }
        var look = Look(last: after ?? .first)
        while true {
            look = try await self.look(after: look.last, count: count)
            guard look.frames.isEmpty, !isStopping, !Task.isCancelled, NIODeadline.now() < deadline else { return look }
            // There may be more behind what was passed over.
            guard look.isAtEnd else { continue }
            guard pollLimit.enter() else { throw pollLimit.refusal }
            let error = await somethingComes(after: look.last, until: deadline)
            pollLimit.leave()
            if let error { throw self.error(error) }
        }
    }

    private func somethingComes(after: StreamID, until deadline: NIODeadline) async -> RedisError? {
        let number = nextTail
        nextTail += 1
        let timer = eventLoop.scheduleTask(deadline: deadline) { self.assumeIsolated { $0.endTail(number) } }
        defer { timer.cancel() }
        return await withTaskCancellationHandler {
            await withUnsafeContinuation { waiter in
                guard !isStopping, !Task.isCancelled, NIODeadline.now() < deadline else {
                    return waiter.resume(returning: nil)
                }
                tails[number] = Tail(after: after, waiter: waiter)
                followed?.resume()
                followed = nil
            }
        } onCancel: {
            onLoop { $0.endTail(number) }
        }
    }

    private func endTail(_ number: Int) {
        tails.removeValue(forKey: number)?.waiter.resume(returning: nil)
    }

    /// Wakes all who read along: each looks for itself, unless there is an `error`.
    func endTails(_ error: RedisError? = nil) {
        let ended = tails.values
        tails = [:]
        for tail in ended { tail.waiter.resume(returning: error) }
    }

    // MARK: Following

    /// Follows the stream over one connection for all who read along on this loop, while there is somebody, until
    /// ``stopPolls()`` was called.
    package func follow() async {
        var backoff = Backoff(longest: limits.longestPause)
        while await somebodyReadsAlong() {
            var asked = NIODeadline.distantFuture
            do throws(RedisError) {
                let connection = try await RedisConnection.connect(
                    to: address,
                    name: "\(process.name).follower",
                    on: redis.executor,
                    limits: limits
                )
                defer { close(connection) }
                backoff.reset()
                while await somebodyReadsAlong() {
                    asked = .now()
                    try await follow(connection)
                }
            } catch {
                // They hear from their own looks what is wrong; but who gave no sign for so long was waited for long enough.
                endTails(NIODeadline.now() - asked >= limits.silence ? error : nil)
                await executor.sleep(for: backoff.next())
            }
        }
    }

    private func close(_ connection: RedisConnection) {
        connection.assumeIsolated { $0.close() }
    }

    /// One read, from where the first of them stands: it returns at once if something came since they looked.
    private func follow(_ connection: RedisConnection) async throws(RedisError) {
        guard let after = tails.values.map(\.after).min() else { return }
        let words = ["XREAD", "COUNT", "1", "BLOCK", "100", "STREAMS", keys.stream, after.description]
        if try await !connection.command(words).value.isNull { endTails() }
    }

    /// Waits until somebody reads along; false once the service stops.
    private func somebodyReadsAlong() async -> Bool {
        await withUnsafeContinuation { continuation in
            guard tails.isEmpty, !isStopping else { return continuation.resume() }
            followed = continuation
        }
        return !isStopping
    }
}

internal import NIOCore

extension RedisConnection {
    /// Sends one command and waits for its reply.
    ///
    /// Cancelled, it throws ``RedisError/Code/cancelled`` at once; the command may be executed all the same.
    package func command(_ words: [String]) async throws(RedisError) -> RedisReply {
        try await reply { connection, completion in connection.send(words, completion: completion) }
    }

    /// Calls a script and waits for its reply. Cancelled, as ``command(_:)``.
    package func call(_ call: ScriptCall) async throws(RedisError) -> RedisReply {
        try await reply { connection, completion in connection.send(call, completion: completion) }
    }

    /// Sends commands in one write and waits for all their replies; throws the first error among them.
    ///
    /// Cancelling does nothing: the last of them ends it, or the connection's end.
    ///
    /// - Parameter atOnce: whether they are written before anything else is done in this turn of the loop.
    package func commands(_ commands: [[String]], atOnce: Bool = false) async throws(RedisError) -> [RedisReply] {
        var replies: [RedisReply] = []
        for result in await exchange(commands, atOnce: atOnce) { replies.append(try result.get()) }
        return replies
    }

    /// Sends commands in one write and waits for what becomes of each. Cancelling does nothing.
    func exchange(_ commands: [[String]], atOnce: Bool = false) async -> [Result<RedisReply, RedisError>] {
        await withCheckedContinuation { continuation in
            guard !commands.isEmpty else { return continuation.resume(returning: []) }
            let gathering = NIOLoopBoundBox([Result<RedisReply, RedisError>](), eventLoop: eventLoop)
            for words in commands {
                send(words) {
                    gathering.value.append($0)
                    if gathering.value.count == commands.count { continuation.resume(returning: gathering.value) }
                }
            }
            if atOnce { flush() }
        }
    }

    @discardableResult
    private func send(_ words: [String], completion: @escaping Completion) -> RedisSlot? {
        send(words.first ?? "", size: RESPEncoder.arraySize + RESPEncoder.bulkSize(of: words)) { encoder in
            encoder.array(words.count)
            for word in words { encoder.bulk(word) }
        } completion: {
            completion($0)
        }
    }

    private func reply(
        _ send: (isolated RedisConnection, @escaping Completion) -> RedisSlot?
    ) async throws(RedisError) -> RedisReply {
        let slot = NIOLoopBoundBox<RedisSlot?>.makeEmptyBox(eventLoop: eventLoop)
        let result = await withTaskCancellationHandler {
            await withCheckedContinuation {
                (continuation: CheckedContinuation<Result<RedisReply, RedisError>, Never>) in
                slot.value = send(self) { continuation.resume(returning: $0) }
                if Task.isCancelled, let slot = slot.value { abandon(slot) }
            }
        } onCancel: {
            eventLoop.execute {
                self.assumeIsolated { connection in
                    if let slot = slot.value { connection.abandon(slot) }
                }
            }
        }
        return try result.get()
    }
}

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
    package func commands(_ commands: [[String]]) async throws(RedisError) -> [RedisReply] {
        var replies: [RedisReply] = []
        for result in await exchange(commands) { replies.append(try result.get()) }
        return replies
    }

    /// Sends commands in one write and waits for what becomes of each. Cancelling does nothing.
    func exchange(_ commands: [[String]]) async -> [Result<RedisReply, RedisError>] {
        await withCheckedContinuation { continuation in
            let gathering = Gathering(commands.count) { continuation.resume(returning: $0) }
            for words in commands { send(words) { gathering.add($0) } }
        }
    }

    @discardableResult
    private func send(_ words: [String], completion: @escaping Completion) -> RedisSlot? {
        let size = words.reduce(RESPEncoder.arraySize) { $0 + RESPEncoder.bulkSize($1.utf8.count) }
        return send(words.first ?? "", size: size) { encoder in
            encoder.array(words.count)
            for word in words { encoder.bulk(word) }
        } completion: {
            completion($0)
        }
    }

    private func reply(
        _ send: (isolated RedisConnection, @escaping Completion) -> RedisSlot?
    ) async throws(RedisError) -> RedisReply {
        let box = SlotBox()
        let result = await withTaskCancellationHandler {
            await withCheckedContinuation {
                (continuation: CheckedContinuation<Result<RedisReply, RedisError>, Never>) in
                box.slot = send(self) { continuation.resume(returning: $0) }
                if Task.isCancelled, let slot = box.slot { abandon(slot) }
            }
        } onCancel: {
            eventLoop.execute {
                self.assumeIsolated { connection in
                    if let slot = box.slot { connection.abandon(slot) }
                }
            }
        }
        return try result.get()
    }

    /// The replies of several commands, in order. Used on the connection's loop only.
    private final class Gathering: @unchecked Sendable {
        private let count: Int
        private let completion: ([Result<RedisReply, RedisError>]) -> Void
        private var results: [Result<RedisReply, RedisError>] = []

        init(_ count: Int, _ completion: @escaping ([Result<RedisReply, RedisError>]) -> Void) {
            self.count = count
            self.completion = completion
        }

        func add(_ result: Result<RedisReply, RedisError>) {
            results.append(result)
            if results.count == count { completion(results) }
        }
    }

    /// Read and written on the connection's loop only.
    private final class SlotBox: @unchecked Sendable {
        var slot: RedisSlot?
    }
}

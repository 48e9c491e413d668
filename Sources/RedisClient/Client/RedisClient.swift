package import EventLoopExecution
package import Logging
package import NIOCore

/// A pipelined connection to Redis that is made again whenever it ends.
///
/// Who sends while there is none waits for the outcome of the next attempt, and no longer: attempts follow each other with
/// a growing, jittered pause of at most ``RedisLimits/longestPause``, and only while somebody wants the connection.
package actor RedisClient {
    private typealias Waiting = (Result<RedisConnection, RedisError>) -> Void

    /// What it runs on, and its connections.
    package nonisolated let executor: EventLoopExecutor
    package nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

    /// The loop that it lives on.
    package nonisolated var eventLoop: any EventLoop { executor.eventLoop }

    private let address: RedisAddress
    private let name: String
    private let scripts: [RedisScript]
    private let limits: RedisLimits
    private let logger: Logger
    private var connection: RedisConnection?
    private var waiting: [Waiting] = []
    private var commandsWaiting = 0
    private var demand: CheckedContinuation<Void, Never>?
    private var isStopped = false

    /// - Parameters:
    ///   - address: where Redis is.
    ///   - name: what `CLIENT LIST` shows.
    ///   - scripts: loaded at each connect.
    ///   - executor: where the client and its connections live.
    package init(
        address: RedisAddress,
        name: String,
        scripts: [RedisScript],
        executor: EventLoopExecutor,
        limits: RedisLimits = RedisLimits(),
        logger: Logger
    ) {
        self.address = address
        self.name = name
        self.scripts = scripts
        self.executor = executor
        self.limits = limits
        self.logger = logger
    }

    // MARK: Sending

    /// Sends commands on the connection, now or when it is there.
    ///
    /// - Parameters:
    ///   - count: how many they are.
    ///   - commands: sends them.
    ///   - refusal: is told instead why there is no connection.
    package func send(
        _ count: Int,
        _ commands: @escaping @Sendable (isolated RedisConnection) -> Void,
        refusal: @escaping @Sendable (RedisError) -> Void
    ) {
        if let connection = openConnection { return connection.assumeIsolated(commands) }
        wait(toSend: count) { result in
            switch result {
            case .success(let connection): connection.assumeIsolated(commands)
            case .failure(let error): refusal(error)
            }
        }
    }

    /// Calls a script on the connection, now or when it is there.
    package func send(_ call: ScriptCall, completion: @escaping RedisConnection.Completion) {
        send(1) { connection in
            connection.send(call, completion: completion)
        } refusal: { error in
            completion(.failure(error))
        }
    }

    /// Sends one command and waits for its reply. Cancelling does nothing: what was asked on behalf of a caller who has
    /// closed its sending half is still wanted.
    package func command(_ words: [String]) async throws(RedisError) -> RedisReply {
        try await current().commands([words])[0]
    }

    /// Sends commands in one write and waits for all their replies; throws the first error among them. Cancelling does
    /// nothing.
    package func commands(_ commands: [[String]]) async throws(RedisError) -> [RedisReply] {
        try await current().commands(commands)
    }

    /// Calls a script and waits for its reply. Cancelling does nothing.
    package func call(_ call: ScriptCall) async throws(RedisError) -> RedisReply {
        let result = await withCheckedContinuation { continuation in
            send(call) { continuation.resume(returning: $0) }
        }
        return try result.get()
    }

    /// The connection, once there is one; throws why the next attempt failed.
    private func current() async throws(RedisError) -> RedisConnection {
        let result = await withCheckedContinuation {
            (continuation: CheckedContinuation<Result<RedisConnection, RedisError>, Never>) in
            if let connection = openConnection { return continuation.resume(returning: .success(connection)) }
            wait(toSend: 1) { continuation.resume(returning: $0) }
        }
        return try result.get()
    }

    private var openConnection: RedisConnection? {
        guard let connection, connection.assumeIsolated({ $0.isOpen }) else { return nil }
        return connection
    }

    private func wait(toSend count: Int, _ body: @escaping Waiting) {
        guard !isStopped, commandsWaiting + count <= limits.commands else {
            return body(.failure(RedisError(isStopped ? .away : .overloaded, "the connection to Redis is closed")))
        }
        commandsWaiting += count
        waiting.append(body)
        demand?.resume()
        demand = nil
    }

    // MARK: Connecting

    /// Makes the connection, and makes it again, until it is cancelled; then closes it.
    package func run() async {
        await withTaskCancellationHandler {
            var backoff = Backoff(longest: limits.longestPause)
            while !isStopped {
                do throws(RedisError) {
                    let connection = try await RedisConnection.connect(
                        to: address,
                        name: name,
                        scripts: scripts,
                        on: executor,
                        limits: limits
                    )
                    backoff.reset()
                    self.connection = connection
                    answer(.success(connection))
                    if isStopped { await connection.close() }
                    await ended(connection)
                } catch {
                    answer(.failure(error))
                    await executor.sleep(for: backoff.next())
                }
                await somebodyAsks()
            }
            answer(.failure(RedisError(.away, "the service stops")))
        } onCancel: {
            eventLoop.execute { self.assumeIsolated { $0.stop() } }
        }
    }

    private func somebodyAsks() async {
        await withCheckedContinuation { continuation in
            // Looked at here and not before: who asks between a look and its wait would wait for ever.
            guard waiting.isEmpty, !isStopped else { return continuation.resume() }
            demand = continuation
        }
    }

    private func ended(_ connection: RedisConnection) async {
        let reason = try? await connection.closed.get()
        self.connection = nil
        guard !isStopped, let reason else { return }
        logger.debug("the connection to Redis ended", metadata: ["reason": "\(reason.message)"])
    }

    private func answer(_ result: Result<RedisConnection, RedisError>) {
        let waiting = self.waiting
        self.waiting = []
        commandsWaiting = 0
        for body in waiting { body(result) }
    }

    private func stop() {
        isStopped = true
        connection?.assumeIsolated { $0.close(RedisError(.away, "the service stops")) }
        demand?.resume()
        demand = nil
    }
}

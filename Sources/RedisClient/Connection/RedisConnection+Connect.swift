package import EventLoopExecution
internal import NIOCore
internal import NIOPosix

extension RedisConnection {
    /// Connects, authenticates, chooses the database, names the connection and loads the scripts.
    ///
    /// The host's name is looked up anew each time. It takes at most ``RedisLimits/connect``; a failure is
    /// ``RedisError/Code/away``, or what Redis answered (loading, not permitted).
    package static func connect(
        to address: RedisAddress,
        name: String,
        scripts: [RedisScript] = [],
        on executor: EventLoopExecutor,
        limits: RedisLimits = RedisLimits()
    ) async throws(RedisError) -> RedisConnection {
        let connection: RedisConnection
        do {
            connection = try await open(address, on: executor, limits: limits).get()
        } catch let error as RedisError {
            throw error
        } catch {
            throw RedisError(.away, "can't connect to Redis at \(address): \(error)")
        }
        let deadline = executor.eventLoop.scheduleTask(in: limits.connect) {
            connection.assumeIsolated { $0.close(RedisError(.away, "Redis did not answer the handshake in time")) }
        }
        defer { deadline.cancel() }
        do throws(RedisError) {
            try await connection.shakeHands(address, name: name, scripts: scripts)
        } catch {
            await connection.close()
            throw error.isOutcomeUnknown ? RedisError(.away, error.message) : error
        }
        return connection
    }

    private static func open(
        _ address: RedisAddress,
        on executor: EventLoopExecutor,
        limits: RedisLimits
    ) -> EventLoopFuture<RedisConnection> {
        let bootstrap = ClientBootstrap(group: executor.eventLoop)
            .connectTimeout(limits.connect)
            .channelOption(.tcpOption(.tcp_nodelay), value: 1)
        let channel =
            switch address.endpoint {
            case .tcp(let host, let port): bootstrap.connect(host: host, port: port)
            case .unix(let path):
                ClientBootstrap(group: executor.eventLoop).connectTimeout(limits.connect)
                    .connect(unixDomainSocketPath: path)
            }
        return channel.flatMapThrowing { channel in
            let connection = RedisConnection(channel: channel, executor: executor, limits: limits)
            try channel.pipeline.syncOperations.addHandler(RedisChannelHandler(connection))
            if !channel.isActive { connection.assumeIsolated { $0.ended("Redis closed the connection") } }
            return connection
        }
    }

    /// All in one round trip: what comes after a refusal is refused as well, and the first one tells why.
    private func shakeHands(_ address: RedisAddress, name: String, scripts: [RedisScript]) async throws(RedisError) {
        var greeting: [[String]] = []
        if let password = address.password {
            greeting.append(["AUTH"] + (address.username.map { [$0] } ?? []) + [password])
        }
        if address.database != 0 { greeting.append(["SELECT", String(address.database)]) }
        greeting.append(["PING"])
        // A label for whoever looks at CLIENT LIST; a user without the right to one does without.
        let label = [["CLIENT", "SETNAME", name]]
        let results = await exchange(greeting + label + scripts.map { ["SCRIPT", "LOAD", $0.source] })
        for result in results[..<greeting.count] { _ = try result.get() }
        for (script, result) in zip(scripts, results[(greeting.count + label.count)...]) {
            guard let digest = try result.get().value.string else {
                throw RedisError(.protocolViolation, "SCRIPT LOAD: a digest was expected")
            }
            remember(digest, of: script)
        }
        greeted()
    }
}

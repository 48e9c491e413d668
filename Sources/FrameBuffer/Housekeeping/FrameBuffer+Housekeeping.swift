internal import EventLoopExecution
internal import Logging
internal import NIOCore
internal import RedisClient

extension FrameBuffer {
    /// Once a second, until it is cancelled: makes sure of the group, gives the process' sign of life, returns what the
    /// dead left behind, and clears away pending frames that are no more. One loop of a process does it for all.
    package func keepHouse() async {
        var liveness = Liveness()
        var hasGroup = false
        var failures = 0
        while !Task.isCancelled {
            do throws(RedisError) {
                if !hasGroup { try await ensureGroup() }
                hasGroup = true
                try await beat()
                try await reapTheDead(&liveness)
                try await clearGhosts()
                try await tidy()
                if failures > 2 { logger.notice("Redis serves the queue again", metadata: ["queue": "\(keys.stream)"]) }
                failures = 0
            } catch {
                hasGroup = false
                if error.code != .noGroup, !Task.isCancelled {
                    failures += 1
                    note(error, failures: failures)
                }
            }
            // An embedded Redis takes a moment to start, and nobody is to wait a second for that.
            await executor.sleep(for: failures == 1 ? .milliseconds(100) : .seconds(1))
        }
    }

    /// Logs an outage once it has lasted a second, as an embedded Redis takes a moment to start; then once a minute, as it
    /// is no news every second.
    private func note(_ error: RedisError, failures: Int) {
        guard failures % 60 == 3 else { return }
        logger.error(
            "Redis does not serve the queue",
            metadata: [
                "queue": "\(keys.stream)", "reason": "\(self.error(error).message)", "attempts": "\(failures)",
            ]
        )
    }

    /// Looks after what this loop's own connections left behind, once a second, until it is cancelled.
    package func lookAfterConnections() async {
        var lastIdleLook = NIODeadline.now()
        while !Task.isCancelled {
            await returnWhatWasLost()
            // What has lain that long with the one that reads, and neither is in hand nor leased, had a lease that Redis lost.
            if NIODeadline.now() - lastIdleLook >= TimeAmount(configuration.longestIdle) {
                lastIdleLook = .now()
                let consumer = process.consumer(loop: loop, life: life)
                _ = try? await reap(consumer, counts: false, idle: configuration.longestIdle)
            }
            await executor.sleep(for: .seconds(1))
        }
    }

    /// Returns what Redis handed to connections of this loop that are no more.
    func returnWhatWasLost() async {
        for (consumer, deadline) in formerConsumers {
            let gone = try? await reap(consumer, counts: false)
            if gone == true, deadline < .now() { formerConsumers[consumer] = nil }
        }
    }

    /// Leaves the group: our consumers go, unless frames are pending on them, and with them our heartbeat.
    ///
    /// To be called once ``read()`` has returned and nothing is in hand any more.
    package func leave() async {
        formerConsumers[process.consumer(loop: loop, life: life)] = .now()
        for consumer in Array(formerConsumers.keys) where (try? await reap(consumer, counts: false)) == true {
            formerConsumers[consumer] = nil
        }
        if formerConsumers.isEmpty { _ = try? await redis.command(["HDEL", keys.processes, process.name]) }
    }

    /// Makes the group where it is missing. It begins at the stream's beginning: what waits there was never handed out.
    func ensureGroup() async throws(RedisError) {
        let call = ScriptCall(
            QueueScripts.ensureGroup,
            keys: [keys.stream, keys.lease, keys.held, keys.ready, keys.kept],
            [configuration.group]
        )
        let made = try await redis.call(call).value.integer == 1
        if made {
            logger.info(
                "made the consumer group",
                metadata: ["queue": "\(keys.stream)", "group": "\(configuration.group)"]
            )
        }
    }

    /// Does what needs the group and, where that is missing, makes it and does it once more.
    func withGroup<Success>(
        _ body: () async throws(RedisError) -> Success
    ) async throws(RedisError) -> Success {
        do throws(RedisError) {
            return try await body()
        } catch {
            guard error.code == .noGroup else { throw error }
            try await ensureGroup()
            return try await body()
        }
    }

    /// Asks Redis whether it answers and takes writes, by one that changes nothing but our own sign of life.
    package func probe() async throws(FrameBufferError) {
        do throws(RedisError) {
            _ = try await redis.command(["HINCRBY", keys.processes, process.name, "1"])
            process.beat(now: .now())
        } catch {
            throw self.error(error)
        }
    }

    /// Asks Redis whether it answers.
    package func ping() async throws(FrameBufferError) {
        do throws(RedisError) { _ = try await redis.command(["PING"]) } catch { throw self.error(error) }
    }

    private func beat() async throws(RedisError) {
        let start = FrameClock.time
        let time = try await redis.call(ScriptCall(QueueScripts.beat, keys: [keys.processes], [process.name])).value
        process.beat(now: .now())
        if let milliseconds = time.integer { clock.observe(redis: milliseconds, since: start) }
    }

    // MARK: The dead

    private func reapTheDead(_ liveness: inout Liveness) async throws(RedisError) {
        let counts = try await redis.command(["HGETALL", keys.processes]).value
        let groups = try await redis.command(["XINFO", "CONSUMERS", keys.stream, configuration.group]).value
        var heartbeats: [String: Int] = [:]
        for index in stride(from: 0, to: counts.count, by: 2) {
            if let process = counts[index]?.string, let count = counts[index + 1]?.integer {
                heartbeats[process] = count
            }
        }
        // XINFO lists names and values in turn; the name is the first of them.
        let consumers = (0..<groups.count).compactMap { groups[$0]?[1]?.string }
        let owners = Dictionary(grouping: consumers) { ProcessIdentity.process(ofConsumer: $0) ?? "" }
        let dead = liveness.observe(heartbeats, of: Set(owners.keys).subtracting([""]), now: .now())
        for process in dead where process != self.process.name {
            var remaining = 0
            for consumer in owners[process] ?? [] where try await !reap(consumer, counts: true) { remaining += 1 }
            if remaining == 0 { _ = try await redis.command(["HDEL", keys.processes, process]) }
        }
    }

    /// Returns what a consumer holds, has held for so long, and nobody has in hand or under a lease; true once the consumer
    /// is gone.
    private func reap(
        _ consumer: String,
        counts: Bool,
        idle: Duration = .zero
    ) async throws(RedisError) -> Bool {
        var (returned, isGone) = (0, false)
        var next: String? = "-"
        while let start = next {
            let call = call(
                QueueScripts.reap,
                [consumer, counts ? "1" : "0", start, String(idle.milliseconds)] + inHand.map(\.description)
            )
            let value = try await redis.call(call).value
            died(value[3])
            returned += value[0]?.integer ?? 0
            isGone = value[1]?.integer == 1
            next = value[2]?.text
        }
        if returned > 0 {
            mayBeReady = true
            logger.info(
                "returned frames that a consumer left behind",
                metadata: ["queue": "\(keys.stream)", "consumer": "\(consumer)", "frames": "\(returned)"]
            )
        }
        return isGone
    }

    // MARK: What nobody wants any more

    /// Deletes one portion of the settled frames that were kept for other groups and none of them wants any more, and what
    /// clients of their own have settled.
    private func tidy() async throws(RedisError) {
        let answer = try await redis.call(call(QueueScripts.tidy, [keptCursor, "100"])).value
        keptCursor = answer[0]?.text ?? "-"
        let trimmed = answer[1]?.integer ?? 0
        guard trimmed > 0 else { return }
        logger.info(
            "deleted frames that others have settled",
            metadata: ["queue": "\(keys.stream)", "frames": "\(trimmed)"]
        )
    }

    // MARK: Ghosts

    /// Clears pending entries that were trimmed or deleted away, one portion of the pending list a call.
    func clearGhosts() async throws(RedisError) {
        let call = call(QueueScripts.clearGhosts, [process.consumer(loop: loop, life: life), ghostCursor])
        // If it fails, the next one begins anew.
        ghostCursor = "0-0"
        let answer = try await redis.call(call).value
        ghostCursor = answer[0]?.string ?? "0-0"
        let vanished = answer[1]?.integer ?? 0
        guard vanished > 0 else { return }
        logger.warning(
            "frames in hand were trimmed or deleted",
            metadata: ["queue": "\(keys.stream)", "frames": "\(vanished)"]
        )
    }
}

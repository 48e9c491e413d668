internal import EventLoopExecution
internal import Logging
internal import NIOCore
internal import RedisClient

/// The loop's own blocking connection in one of its lives, which is one consumer of the group.
struct FrameReader {
    let connection: RedisConnection
    let consumer: String
}

extension FrameBuffer {
    /// How long one read waits in Redis, in milliseconds. Short: then none needs to be unblocked, and frames that another
    /// process returned are seen within 100 ms. A quiet Redis looks at its clock only ten times a second: a BLOCK of 100
    /// lasts up to 203 ms, one of 50 about 100.
    private static let block = 50

    /// Reads frames for whoever waits on this loop, over one connection, until ``stopPolls()`` was called and all that was
    /// read is dealt or given back.
    package func read() async {
        var backoff = Backoff(longest: limits.longestPause)
        while true {
            await somebodyWaits()
            if isStopping { return }
            do throws(RedisError) {
                let reader = try await connectReader()
                self.reader = reader
                defer { retire(reader) }
                backoff.reset()
                // It is older than what this one will read.
                await returnWhatWasLost()
                try await read(reader)
            } catch {
                readFailed(error)
                await executor.sleep(for: backoff.next())
            }
        }
    }

    /// Resumes the reader if it is idle.
    func wakeReader() {
        guard let wake = wake.take() else { return }
        isLookDue = reader != nil
        wake.resume()
    }

    private func somebodyWaits() async {
        await withCheckedContinuation { continuation in
            // Looked at here and not before: who comes between a look and its wait would not wake us.
            guard polls.count == 0, !isStopping else { return continuation.resume() }
            wake = continuation
        }
    }

    private func connectReader() async throws(RedisError) -> FrameReader {
        life += 1
        let consumer = process.consumer(loop: loop, life: life)
        let connection = try await RedisConnection.connect(
            to: address,
            name: consumer,
            scripts: [QueueScripts.take, QueueScripts.settle],
            on: redis.executor,
            limits: limits
        )
        return FrameReader(connection: connection, consumer: consumer)
    }

    private func retire(_ reader: FrameReader) {
        self.reader = nil
        handOverUnlessDelayed()
        reader.connection.assumeIsolated { $0.close() }
        // What it was sent last may be executed after its end: Redis reads what a closed socket had sent.
        formerConsumers[reader.consumer] = .now() + .seconds(15)
    }

    private func readFailed(_ error: RedisError) {
        readFailure = error
        logger.debug("reading failed", metadata: ["queue": "\(keys.stream)", "reason": "\(error)"])
        switch error.code {
        // It may be back before anybody has waited too long.
        case .away, .lostReply, .overloaded, .cancelled: break
        default: failPolls(error)
        }
    }

    // MARK: One look after the other

    private func read(_ reader: FrameReader) async throws(RedisError) {
        var backoff = Backoff(longest: limits.longestPause)
        var isGroupNew = false
        while true {
            await somebodyWaits()
            if isStopping { return }
            do throws(RedisError) {
                try await look(reader)
                isGroupNew = false
            } catch {
                guard error.code == .noGroup else { throw error }
                readFailure = error
                // Somebody who deletes it as fast as we make it must not keep us busy.
                if isGroupNew { await executor.sleep(for: backoff.next()) } else { backoff.reset() }
                try await ensureGroup()
                isGroupNew = true
            }
        }
    }

    private func look(_ reader: FrameReader) async throws(RedisError) {
        handOverUnlessDelayed(on: reader.connection)
        await returnsAreKnown()
        polls.lookBegan()
        let sawAll = polls.latest > 0 ? try await lookAtAll(reader) : try await lookForNext(reader)
        readFailure = nil
        lookEnded(sawAll: sawAll)
    }

    /// For those who want the next frames. Returns whether all frames were seen that wait.
    private func lookForNext(_ reader: FrameReader) async throws(RedisError) -> Bool {
        if mayBeReady || lastTake.map({ NIODeadline.now() - $0 >= .milliseconds(Int64(Self.block)) }) ?? true {
            try await dealNext(take(reader, framesToRead))
            // Frames that came back are ahead of those that were never out.
            if mayBeReady { return false }
        }
        guard polls.count > 0 else { return false }
        let count = framesToRead
        let (frames, isFull) = try await readNew(reader, count, waits: polls.overdue == 0)
        dealNext(frames)
        return !isFull
    }

    private func dealNext(_ frames: [DequeuedFrame]) {
        for frame in deal(frames, areAll: false) { putBack(frame.delivery) }
    }

    /// For how many polls one look reads: while the loop answers these, Redis reads for the next.
    private static let pollsALook = 16

    private var framesToRead: Int {
        let most = mostToRead(configuration.bytesARead)
        return isClearing ? most : min(polls.wanted(byFirst: Self.pollsALook), most)
    }

    private func mostToRead(_ bytes: Int) -> Int {
        averageFrame > 0 ? min(configuration.framesARead, max(1, bytes / averageFrame)) : configuration.framesARead
    }

    /// For those who want the newest: all frames that wait are looked at. Whatever is superseded on the way is given up at once,
    /// and so no more is held than one frame of each camera, with what was read together with it.
    private func lookAtAll(_ reader: FrameReader) async throws(RedisError) -> Bool {
        var frames: [DequeuedFrame] = []
        do throws(RedisError) {
            // No more than there were at first: who writes all the time must not keep us.
            var (seen, depth) = (0, 1)
            var isTaking = true
            while seen < depth {
                let portion = mostToRead(configuration.bytesALatestRead)
                let more =
                    isTaking
                    ? try await take(reader, portion)
                    : try await readNew(reader, portion, waits: frames.isEmpty && seen == 0 && polls.overdue == 0)
                        .frames
                if isTaking { isTaking = mayBeReady } else if more.isEmpty { break }
                if seen == 0, let first = more.first { depth = first.depth }
                seen += more.count
                // One that was returned meanwhile is taken behind newer ones.
                frames = deal((frames + more).sorted { $0.delivery.id < $1.delivery.id }, areAll: false)
            }
        } catch {
            for frame in frames { putBack(frame.delivery) }
            throw error
        }
        for frame in deal(frames, areAll: true) { putBack(frame.delivery) }
        return true
    }

    /// Takes returned frames, up to `count`.
    private func take(_ reader: FrameReader, _ count: Int) async throws(RedisError) -> [DequeuedFrame] {
        lastTake = .now()
        mayBeReady = false
        let call = call(QueueScripts.take, [reader.consumer, String(count)])
        let answer = try await reader.connection.call(call).value
        mayBeReady = answer[0]?.integer ?? 0 > 0
        died(answer[2])
        guard let taken = answer[1], taken.count > 0 else { return [] }
        let ids = stride(from: 0, to: taken.count, by: 3).compactMap { taken[$0]?.string }
        let replies = try await reader.connection.commands(
            ids.map { ["XRANGE", keys.stream, $0, $0] } + sizeCommands
        )
        var frames: [DequeuedFrame] = []
        for index in ids.indices {
            let place = 3 * index
            guard let entry = replies[index].value[0],
                let frame = frame(
                    entry,
                    deliveries: taken[place + 1]?.integer ?? 1,
                    failures: taken[place + 2]?.integer ?? 0
                )
            else { continue }
            frames.append(frame)
        }
        return takeIn(frames, depth: size(replies.dropFirst(ids.count)))
    }

    /// Reads frames that were never handed out, up to `count`, of which there may be more if it `isFull`; waits for a first
    /// one for a moment, if `waits`.
    private func readNew(
        _ reader: FrameReader,
        _ count: Int,
        waits: Bool
    ) async throws(RedisError) -> (frames: [DequeuedFrame], isFull: Bool) {
        var words = ["XREADGROUP", "GROUP", configuration.group, reader.consumer, "COUNT", String(count)]
        // Who doesn't want to wait is not held up by those who do.
        if waits { words += ["BLOCK", String(Self.block)] }
        words += ["STREAMS", keys.stream, ">"]
        let replies = try await reader.connection.commands([words] + sizeCommands, atOnce: true)
        guard let entries = replies[0].value[0]?[1] else { return ([], false) }
        let frames = (0..<entries.count).compactMap { index in
            entries[index].flatMap { frame($0, deliveries: 1, failures: 0) }
        }
        return (takeIn(frames, depth: size(replies.dropFirst())), entries.count == count)
    }

    /// What is asked beside each read: how many entries there are, and how many of them are settled.
    private var sizeCommands: [[String]] {
        keepsSettled ? [["XLEN", keys.stream], ["ZCARD", keys.kept]] : [["XLEN", keys.stream]]
    }

    private func size(_ replies: ArraySlice<RedisReply>) -> Int {
        (replies.first?.value.integer ?? 0) - (replies.dropFirst().first?.value.integer ?? 0)
    }

    private func frame(_ entry: RedisValue, deliveries: Int, failures: Int) -> DequeuedFrame? {
        FrameEntry(entry).map { DequeuedFrame($0, deliveries: deliveries, failures: failures) }
    }
}

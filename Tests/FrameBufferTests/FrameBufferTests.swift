import FrameTracking
import NIOCore
import RedisClient
import RedisTesting
import Testing

@testable import FrameBuffer

@Suite("A queue on a real Redis")
struct FrameBufferTests {
    // MARK: In and out

    @Test("Frames that came before anybody asked all come out, once, in order")
    func order() async throws {
        try await TestQueue.with { queue, redis in
            let ids = (0..<250).map { "frame-\($0)" }
            for id in ids { try await queue.enqueue(id) }
            var received: [String] = []
            while received.count < ids.count { received += try await queue.dequeue(count: 7) }
            #expect(received == ids)
            #expect(try await queue.dequeue(wait: .zero) == [])
            // Settled frames leave memory at once.
            #expect(try await eventually { try await redis.cli("XLEN", "frames:queue") == "0" })
        }
    }

    @Test("Frames written at the same moment share one look at the queue's depth, and each counts itself")
    func depth() async throws {
        try await TestQueue.with { queue, _ in
            let first = try await queue.enqueue("first")
            #expect(first.queueSize == 1)
            let sizes = try await withThrowingTaskGroup { group in
                for number in 0..<50 { group.addTask { try await queue.enqueue("\(number)").queueSize } }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            #expect(sizes.allSatisfy { (2...51).contains($0) })
            #expect(sizes.max() == 51)
        }
    }

    @Test("No poll ends empty while there are frames, however few are read at a time")
    func portions() async throws {
        try await TestQueue.with(configure: { $0.bytesARead = 1 }) { queue, _ in
            let ids = (0..<41).map { "frame-\($0)" }
            for id in ids { try await queue.enqueue(id) }
            // From then on one frame is read at a time.
            var received = try await queue.dequeue(wait: .zero)
            try await withThrowingTaskGroup { group in
                for _ in 0..<40 { group.addTask { try await queue.dequeue(wait: .zero) } }
                for try await frames in group { received += frames }
            }
            #expect(received.sorted() == ids.sorted())
        }
    }

    @Test("A poll that waits gets a frame as soon as there is one")
    func waiting() async throws {
        try await TestQueue.with { queue, _ in
            async let received = queue.dequeue(wait: .seconds(30))
            #expect(try await eventually { await queue.buffer.pollsWaiting == 1 })
            try await queue.enqueue("late")
            #expect(try await received == ["late"])
        }
    }

    @Test("A queue without frames answers at the poll's own deadline")
    func empty() async throws {
        try await TestQueue.with { queue, _ in
            let clock = ContinuousClock()
            let start = clock.now
            let received = try await queue.dequeue(wait: .milliseconds(300))
            #expect(received == [])
            #expect(clock.now - start >= .milliseconds(300))
            #expect(try await queue.dequeue(wait: .zero) == [])
        }
    }

    @Test("Each of many polls gets a frame of its own")
    func many() async throws {
        try await TestQueue.with { queue, redis in
            let received = Task {
                try await withThrowingTaskGroup { group in
                    for _ in 0..<100 { group.addTask { try await queue.dequeue(wait: .seconds(30)) } }
                    return try await group.reduce(into: Set<String>()) { $0.formUnion($1) }
                }
            }
            #expect(try await eventually { await queue.buffer.pollsWaiting == 100 })
            // However many wait, Redis sees a few connections.
            let clients = try await redis.cli("CLIENT", "LIST").split(separator: "\n")
            #expect(clients.count <= 3)
            for number in 0..<100 { try await queue.enqueue("\(number)") }
            #expect(try await received.value == Set((0..<100).map(String.init)))
        }
    }

    @Test("One poll more than may wait is refused at once")
    func tooManyPolls() async throws {
        let redis = try await RedisServer()
        let queue = try TestQueue(redis, polls: 2)
        defer { queue.crash() }
        let polls = (0..<2).map { _ in Task { try await queue.dequeue(wait: .seconds(30)) } }
        #expect(try await eventually { await queue.buffer.pollsWaiting == 2 })
        #expect(await failure { try await queue.dequeue() } == .tooManyPolls)
        for poll in polls { poll.cancel() }
        for poll in polls { #expect(try await poll.value == []) }
    }

    // MARK: Handing over

    @Test("A frame that reached nobody is back in its place, and the delivery doesn't count")
    func returned() async throws {
        try await TestQueue.with { queue, _ in
            for id in ["a", "b", "c"] { try await queue.enqueue(id) }
            for _ in 0..<3 {
                let frame = try #require(try await queue.take().first)
                #expect(frame.frameID == "a")
                #expect(frame.delivery.number == 1)
                await queue.buffer.giveBack(frame.delivery)
            }
            #expect(try await queue.dequeue(count: 3) == ["a"])
            #expect(try await queue.dequeue(count: 3) == ["b", "c"])
        }
    }

    @Test("Frames of one millisecond come back in the order of their sequence, above nine too")
    func returnedOrder() async throws {
        try await TestQueue.with { queue, redis in
            for sequence in 0..<12 {
                try await redis.cli("XADD", "frames:queue", "5-\(sequence)", "frame_id", "\(sequence)")
            }
            let frames = try await queue.take(count: 12)
            #expect(frames.count == 12)
            for frame in frames.reversed() { await queue.buffer.giveBack(frame.delivery) }
            #expect(try await eventually { await !queue.buffer.hasFramesInHand })
            #expect(try await queue.dequeue(count: 12) == (0..<12).map(String.init))
        }
    }

    @Test("A frame that was read for a poll whose caller then left goes to the next one")
    func leftOver() async throws {
        try await TestQueue.with { queue, redis in
            let leaving = Task { try await queue.dequeue(wait: .seconds(30)) }
            #expect(try await eventually { await queue.buffer.pollsWaiting == 1 })
            // Redis stands still with our read in hand; meanwhile the frame comes and the caller goes.
            #expect(try await eventually { try await redis.cli("INFO", "clients").contains("blocked_clients:1") })
            leaving.cancel()
            #expect(try await leaving.value == [])
            try await queue.enqueue("a")
            #expect(try await queue.dequeue() == ["a"])
            #expect(try await eventually { try await redis.cli("XPENDING", "frames:queue", "workers").hasPrefix("0") })
        }
    }

    @Test("A frame that failed to reach a caller a hundred times running is dead")
    func undeliverable() async throws {
        try await TestQueue.with { queue, redis in
            try await queue.enqueue("poison")
            try await queue.enqueue("next")
            for _ in 0..<100 {
                let frame = try #require(try await queue.take().first)
                #expect(frame.frameID == "poison")
                await queue.buffer.giveBack(frame.delivery)
                #expect(try await eventually { await !queue.buffer.hasFramesInHand })
            }
            #expect(try await queue.dequeue() == ["next"])
            let letter = try await redis.cli("XRANGE", "frames:queue:{frames:queue}:dead", "-", "+")
            #expect(letter.contains("poison"))
            #expect(letter.contains("undeliverable"))
            #expect(try await queue.buffer.size().dead == 1)
        }
    }

    @Test("A return whose reply was lost is not told again once the frame is handed out anew")
    func returnedTwice() async throws {
        try await TestQueue.with { queue, _ in
            try await queue.enqueue("a")
            let frame = try #require(try await queue.take().first)
            let poll = Task { try await queue.take(wait: .seconds(10)) }
            #expect(try await eventually { await queue.buffer.pollsWaiting == 1 })
            let buffer = queue.buffer
            let toTell = try await buffer.eventLoop.submit {
                buffer.assumeIsolated { buffer in
                    buffer.handover.returned.append(frame.delivery)
                    _ = buffer.deal(buffer.takeIn([frame], depth: 1), areAll: false)
                    return buffer.handover.returned.count
                }
            }.get()
            #expect(toTell == 0)
            #expect(try await poll.value.map(\.frameID) == ["a"])
        }
    }

    @Test("Frames in the hands of a process that died come again, before newer ones, and that counts")
    func crashed() async throws {
        let redis = try await RedisServer()
        let dying = try TestQueue(redis, keepsHouse: false)
        for id in ["a", "b", "c"] { try await dying.enqueue(id) }
        #expect(try await dying.take(count: 2).count == 2)
        dying.crash()
        let queue = try TestQueue(redis)
        defer { queue.crash() }
        #expect(try await queue.dequeue() == ["c"])
        try await queue.enqueue("d")
        var frames: [DequeuedFrame] = []
        #expect(
            try await eventually(within: .seconds(20)) {
                frames += try await queue.take(count: 1, wait: .zero).filter { $0.frameID != "d" }
                return frames.count == 2
            }
        )
        #expect(frames.map(\.frameID) == ["a", "b"])
        #expect(frames.map(\.delivery.number) == [2, 2])
        for frame in frames { await queue.buffer.settle(frame.delivery) }
        // The dead process' consumer is gone with its last frame.
        #expect(
            try await eventually {
                let consumers = try await redis.cli("XINFO", "CONSUMERS", "frames:queue", "workers")
                return !consumers.contains(dying.buffer.process.name)
            }
        )
    }

    @Test("Frames that Redis handed to a connection that broke come again, and that doesn't count")
    func lostReply() async throws {
        try await TestQueue.with { queue, redis in
            #expect(try await queue.dequeue(wait: .zero) == [])
            let poll = Task { try await queue.take(wait: .seconds(10)) }
            #expect(try await eventually { try await redis.cli("INFO", "clients").contains("blocked_clients:1") })
            // In one step: the frame is handed to the blocked reader, and its connection is gone before the reply.
            let id =
                try await redis.cli("CLIENT", "LIST").split(separator: "\n")
                .first { $0.contains("cmd=xreadgroup") }?.split(separator: " ").first?.dropFirst(3) ?? ""
            let process = try await redis.cli(
                "EVAL",
                "redis.call('XADD', 'frames:queue', '*', 'frame_id', 'a') return 1",
                "1",
                "frames:queue"
            )
            #expect(process == "1")
            try await redis.cli("CLIENT", "KILL", "ID", String(id))
            let frame = try #require(try await poll.value.first)
            #expect(frame.frameID == "a")
            #expect(frame.delivery.number == 1)
            await queue.buffer.settle(frame.delivery)
        }
    }

    @Test("What a connection that broke had been handed comes before newer frames, at once")
    func lostBefore() async throws {
        try await TestQueue.with { queue, redis in
            #expect(try await queue.dequeue(wait: .zero) == [])
            let consumer = queue.buffer.process.consumer(loop: 0, life: 1)
            try await queue.enqueue("old")
            try await redis.cli(
                ["XREADGROUP", "GROUP", "workers", consumer, "COUNT", "1", "STREAMS", "frames:queue", ">"]
            )
            let client = try await redis.cli("CLIENT", "LIST").split(separator: "\n").first {
                $0.contains("name=\(consumer) ")
            }
            let id = try #require(client?.split(separator: " ").first?.dropFirst(3))
            try await redis.cli("CLIENT", "KILL", "ID", String(id))
            try await queue.enqueue("new")
            #expect(try await queue.dequeue() == ["old"])
            #expect(try await queue.dequeue() == ["new"])
        }
    }

    // MARK: Bad luck

    @Test("After FLUSHALL, with a poll waiting, frames come once each and in order")
    func flushed() async throws {
        try await TestQueue.with { queue, redis in
            let poll = Task { try await queue.dequeue(wait: .seconds(10)) }
            #expect(try await eventually { try await redis.cli("INFO", "clients").contains("blocked_clients:1") })
            try await redis.cli("FLUSHALL")
            try await queue.enqueue("f1")
            try await queue.enqueue("f2")
            #expect(try await poll.value == ["f1"])
            #expect(try await queue.dequeue() == ["f2"])
            #expect(try await queue.dequeue(wait: .zero) == [])
        }
    }

    @Test("After FLUSHALL, with nobody waiting, a frame that was enqueued before the first poll comes")
    func flushedIdle() async throws {
        try await TestQueue.with { queue, redis in
            #expect(try await queue.dequeue(wait: .zero) == [])
            try await redis.cli("FLUSHALL")
            try await queue.enqueue("f1")
            #expect(try await queue.dequeue() == ["f1"])
        }
    }

    @Test("A Redis that comes back empty serves at once, and the poll that waits meanwhile gets its frame")
    func restarted() async throws {
        try await TestQueue.with { queue, redis in
            let poll = Task { try await queue.dequeue(wait: .seconds(10)) }
            #expect(try await eventually { try await redis.cli("INFO", "clients").contains("blocked_clients:1") })
            redis.kill()
            try await redis.start()
            try await queue.enqueue("f1")
            try await queue.enqueue("f2")
            #expect(try await poll.value == ["f1"])
            #expect(try await queue.dequeue() == ["f2"])
        }
    }

    @Test("While Redis is away nobody waits longer than a second, a poll neither")
    func away() async throws {
        try await TestQueue.with(limits: RedisLimits()) { queue, redis in
            try await queue.enqueue("a")
            redis.kill()
            let clock = ContinuousClock()
            for _ in 0..<2 {
                var start = clock.now
                #expect(await failure { try await queue.dequeue(wait: .seconds(30)) } == .redis(.away))
                #expect(clock.now - start < .seconds(4))
                start = clock.now
                #expect(await failure { try await queue.enqueue("b") } == .redis(.away))
                #expect(clock.now - start < .seconds(4))
            }
        }
    }

    @Test("A Redis that hangs ends polls within a second or so, and what it wrote meanwhile is unknown")
    func hanging() async throws {
        try await TestQueue.with(limits: RedisLimits()) { queue, redis in
            try await queue.enqueue("a")
            redis.freeze(true)
            let clock = ContinuousClock()
            let start = clock.now
            let poll = Task { try await queue.dequeue(wait: .seconds(30)) }
            #expect(await failure { try await queue.enqueue("b") } == .redis(.lostReply))
            #expect(await failure { try await poll.value } != nil)
            #expect(clock.now - start < .seconds(4))
            redis.freeze(false)
            #expect(try await queue.dequeue() == ["a"])
        }
    }

    @Test("A key of the wrong type is named")
    func wrongType() async throws {
        try await TestQueue.with { queue, redis in
            #expect(try await queue.buffer.size().size == 0)
            try await redis.cli("SET", "frames:queue", "x")
            let bodies: [() async throws -> Void] = [
                { _ = try await queue.enqueue("a") }, { _ = try await queue.dequeue() },
                { _ = try await queue.buffer.size() },
            ]
            for body in bodies {
                do {
                    try await body()
                    Issue.record("the key holds no stream")
                } catch let error as FrameBufferError {
                    #expect(error.code == .redis(.wrongType))
                    #expect(error.message.contains("frames:queue"))
                }
            }
            try await redis.cli("DEL", "frames:queue")
            try await queue.enqueue("a")
            #expect(try await queue.dequeue() == ["a"])
        }
    }

    @Test("Out of memory, frames are refused and workers drain")
    func outOfMemory() async throws {
        try await TestQueue.with { queue, redis in
            for id in ["a", "b", "c"] { try await queue.enqueue(id) }
            try await redis.cli("CONFIG", "SET", "maxmemory", "1")
            #expect(await failure { try await queue.enqueue("d") } == .redis(.outOfMemory))
            #expect(try await queue.dequeue(count: 3) == ["a", "b", "c"])
            #expect(try await eventually { try await queue.buffer.size().size == 0 })
            try await redis.cli("CONFIG", "SET", "maxmemory", "0")
            try await queue.enqueue("d")
            #expect(try await queue.dequeue() == ["d"])
        }
    }

    // MARK: Bounds and counts

    @Test("A full queue refuses, whichever way it filled, and takes again once there is room")
    func full() async throws {
        try await TestQueue.with(capacity: 30) { queue, _ in
            let accepted = await withTaskGroup { group in
                for number in 0..<100 { group.addTask { (try? await queue.enqueue("\(number)")) != nil } }
                return await group.reduce(into: 0) { $0 += $1 ? 1 : 0 }
            }
            #expect(accepted == 30)
            #expect(await failure { try await queue.enqueue("more") } == .full)
            #expect(try await queue.buffer.size().size == 30)
            #expect(try await queue.dequeue().count == 1)
            #expect(try await eventually { try await queue.buffer.size().size == 29 })
            try await queue.enqueue("more")
            #expect(await failure { try await queue.enqueue("too many") } == .full)
        }
    }

    @Test("Waiting, in hand and dead are counted exactly, whatever others delete or trim")
    func counts() async throws {
        try await TestQueue.with { queue, redis in
            for number in 0..<10 { try await queue.enqueue("\(number)") }
            let frames = try await queue.take(count: 4)
            for frame in frames.dropLast() { await queue.buffer.settle(frame.delivery) }
            #expect(try await eventually { try await counts(of: queue) == [7, 6, 1, 0] })
            let waiting = try await redis.cli("XRANGE", "frames:queue", "-", "+").split(separator: "\n")
            #expect(
                try await redis.cli(
                    "XDEL",
                    "frames:queue",
                    String(waiting.last { $0.contains("-") && $0.count < 20 } ?? "")
                ) == "1"
            )
            #expect(try await counts(of: queue) == [6, 5, 1, 0])
            try await redis.cli("XTRIM", "frames:queue", "MAXLEN", "3")
            // The one in hand was trimmed as well.
            #expect(try await counts(of: queue) == [3, 3, 0, 0])
            var drained = 0
            while try await !queue.dequeue(wait: .zero).isEmpty { drained += 1 }
            #expect(drained == 3)
        }
    }

    @Test("The oldest frame's age and the stream's bytes are told")
    func measures() async throws {
        try await TestQueue.with { queue, _ in
            #expect(try await queue.buffer.size().oldestAge == nil)
            try await queue.enqueue(json: #"{"frame_id":"a","timestamp":1700000000}"#)
            let age = Int(WallClock.nanoseconds() / 1_000_000) - 1_700_000_000_000
            #expect(try await eventually { try await queue.buffer.size().oldestAge?.milliseconds ?? 0 >= age })
            #expect(try await queue.buffer.size().bytes > 100)
        }
    }

    // MARK: Entries of others

    @Test("What cannot be served goes to the dead letters and holds up nothing behind it")
    func unservable() async throws {
        try await TestQueue.with { queue, redis in
            try await redis.cli("XADD", "frames:queue", "*", "frame_id", "x1", "_traceparent", "garbage")
            try await redis.cli("XADD", "frames:queue", "*", "frame_id", "x7", "_json", "n", "n", "notjson")
            try await redis.cli("XADD", "frames:queue", "*", "a", "b")
            try await queue.enqueue("last")
            var received: [String?] = []
            while received.count < 3 {
                let frames = try await queue.take(count: 10)
                received += frames.map(\.frameID)
                for frame in frames { await queue.buffer.settle(frame.delivery) }
            }
            #expect(received == ["x1", nil, "last"])
            #expect(try await eventually { try await queue.buffer.size().dead == 1 })
            let letter = try await redis.cli("XRANGE", "frames:queue:{frames:queue}:dead", "-", "+")
            #expect(letter.contains("x7"))
            #expect(letter.contains("_dead_reason"))
            #expect(try await eventually { try await redis.cli("XPENDING", "frames:queue", "workers").hasPrefix("0") })
        }
    }

    @Test("A frame that another group has yet to read is kept for it, and doesn't count")
    func foreignGroup() async throws {
        try await TestQueue.with { queue, redis in
            try await redis.cli("XGROUP", "CREATE", "frames:queue", "others", "0", "MKSTREAM")
            try await queue.enqueue("a")
            #expect(try await queue.dequeue() == ["a"])
            #expect(try await eventually { try await counts(of: queue) == [0, 0, 0, 0] })
            #expect(
                try await redis.cli("XREADGROUP", "GROUP", "others", "c", "STREAMS", "frames:queue", ">").contains(
                    "frame_id"
                )
            )
            // Read and not acknowledged, it is still wanted.
            let length = try await redis.cli("XLEN", "frames:queue")
            #expect(length == "1")
            let id = try await redis.cli("XRANGE", "frames:queue", "-", "+").split(separator: "\n")[0]
            try await redis.cli("XACK", "frames:queue", "others", String(id))
            #expect(try await eventually { try await redis.cli("XLEN", "frames:queue") == "0" })
        }
    }

    // MARK: Replicas

    @Test("Replicas share a queue: each frame comes out once, whoever asks")
    func replicas() async throws {
        let redis = try await RedisServer()
        let replicas = try (0..<3).map { _ in try TestQueue(redis) }
        defer { for replica in replicas { replica.crash() } }
        let received = Task {
            try await withThrowingTaskGroup { group in
                for number in 0..<30 {
                    group.addTask {
                        var received: [String] = []
                        for _ in 0..<10 { received += try await replicas[number % 3].dequeue(wait: .seconds(20)) }
                        return received
                    }
                }
                return try await group.reduce(into: []) { $0 += $1 }
            }
        }
        for number in 0..<300 { try await replicas[number % 3].enqueue("\(number)") }
        #expect(try await received.value.compactMap(Int.init).sorted() == Array(0..<300))
    }

    @Test("A frame that one replica returned comes ahead of newer ones in the others")
    func returnedElsewhere() async throws {
        let redis = try await RedisServer()
        let (one, other) = (try TestQueue(redis), try TestQueue(redis))
        defer {
            one.crash()
            other.crash()
        }
        for id in ["a", "b", "c"] { try await one.enqueue(id) }
        let frame = try #require(try await one.take().first)
        #expect(try await other.dequeue() == ["b"])
        await one.buffer.giveBack(frame.delivery)
        #expect(try await eventually { await !one.buffer.hasFramesInHand })
        #expect(
            try await eventually(within: .seconds(1)) {
                try await redis.cli("ZCARD", "frames:queue:{frames:queue}:ready") == "1"
            }
        )
        // The other one looks for returned frames every 100 ms.
        try await other.buffer.eventLoop.scheduleTask(in: .milliseconds(110)) {}.futureResult.get()
        #expect(try await other.dequeue() == ["a"])
        #expect(try await other.dequeue() == ["c"])
    }

    @Test("Who leaves takes its consumers and its heartbeat along")
    func leaving() async throws {
        try await TestQueue.with { queue, redis in
            try await queue.enqueue("a")
            #expect(try await queue.dequeue() == ["a"])
            let heartbeats = "frames:queue:{frames:queue}:procs"
            #expect(try await eventually { try await redis.cli("HLEN", heartbeats) == "1" })
            queue.buffer.stopPolls()
            #expect(try await eventually { await !queue.buffer.formerConsumers.isEmpty })
            #expect(try await queue.dequeue() == [])
            await queue.buffer.leave()
            #expect(try await redis.cli("XINFO", "CONSUMERS", "frames:queue", "workers") == "")
        }
    }

    private func counts(of queue: TestQueue) async throws -> [Int] {
        let size = try await queue.buffer.size()
        return [size.size, size.waiting, size.leased, size.dead]
    }
}

/// What kind of refusal something ends with; nil if it isn't refused.
func failure(_ body: () async throws -> Any) async -> FrameBufferError.Code? {
    do {
        _ = try await body()
        return nil
    } catch {
        return (error as? FrameBufferError)?.code
    }
}

import RedisClient
import RedisTesting
import Testing

@testable import FrameBuffer

@Suite("Leases on a real Redis")
struct LeaseTests {
    // MARK: Ends

    @Test("A leased frame comes again after its lease and not before, ahead of newer ones, and that counts")
    func lapsed() async throws {
        try await TestQueue.with { queue, _ in
            for id in ["a", "b"] { try await queue.enqueue(id) }
            let clock = ContinuousClock()
            let start = clock.now
            let first = try #require(try await queue.lease(for: .seconds(2)).first)
            #expect(first.frameID == "a")
            #expect(first.delivery.number == 1)
            #expect(try await queue.counts() == [1, 1, 0])
            let second = try #require(try await queue.lease(for: .seconds(60)).first)
            #expect(second.frameID == "b")
            #expect(try await queue.dequeue(wait: .zero) == [])
            let poll = Task { try await queue.lease(wait: .seconds(20)) }
            let again = try #require(try await poll.value.first)
            #expect(clock.now - start >= .seconds(2))
            #expect(again.frameID == "a")
            #expect(again.delivery.number == 2)
            #expect(again.receipt != first.receipt)
        }
    }

    @Test("A lease that ran out is noticed whether or not anybody polls, and its frame is first in line")
    func lapsedUnseen() async throws {
        try await TestQueue.with { queue, redis in
            for id in ["a", "b", "c"] { try await queue.enqueue(id) }
            #expect(try await queue.lease(count: 2, for: .milliseconds(300)).count == 2)
            let isBack = try await eventually {
                try await redis.cli("ZCARD", "frames:queue:{frames:queue}:ready") == "2"
            }
            #expect(isBack)
            #expect(try await queue.counts() == [3, 0, 0])
            #expect(try await queue.dequeue(count: 2) == ["a", "b"])
            #expect(try await queue.dequeue() == ["c"])
        }
    }

    @Test("Each of the frames of one read has its own lease, none begins before its reply is made")
    func manyAtOnce() async throws {
        try await TestQueue.with { queue, _ in
            for number in 0..<30 { try await queue.enqueue("\(number)") }
            let long = try await queue.lease(count: 15, for: .seconds(60))
            let short = try await queue.lease(count: 15, for: .milliseconds(400))
            #expect(long.count == 15 && short.count == 15)
            #expect(Set((long + short).map(\.receipt)).count == 30)
            var again: [DequeuedFrame] = []
            while again.count < 15 { again += try await queue.lease(count: 15, for: .seconds(60)) }
            #expect(again.map(\.frameID) == short.map(\.frameID))
            #expect(try await queue.dequeue(wait: .milliseconds(300)) == [])
            #expect(try await queue.settle(long.compactMap(\.receipt), .ack) == Settled(15))
        }
    }

    @Test("One overdue frame among thousands of leased ones is found at once")
    func overdueAmongMany() async throws {
        try await TestQueue.with(capacity: 10_000) { queue, redis in
            let count = 5000
            let script = "for i = 1, ARGV[1] do redis.call('XADD', KEYS[1], '*', 'frame_id', i) end"
            try await redis.cli("EVAL", script, "1", "frames:queue", "\(count)")
            var leased: [DequeuedFrame] = []
            while leased.count < count - 1 {
                leased += try await queue.lease(count: min(100, count - 1 - leased.count), for: .seconds(3600))
            }
            let last = try #require(try await queue.lease(for: .seconds(1)).first)
            #expect(last.frameID == "\(count)")
            #expect(try await queue.counts() == [0, count, 0])
            try await redis.cli("CONFIG", "RESETSTAT")
            let again = try #require(try await queue.lease(wait: .seconds(10)).first)
            #expect(again.frameID == "\(count)")
            // Nobody asked about them one by one. What one question costs is measured by `scripts/bench growth`.
            let statistics = try await redis.cli("INFO", "commandstats")
            let questions = statistics.firstMatch(of: /cmdstat_xpending:calls=(\d+)/).flatMap { Int($0.1) }
            #expect(try #require(questions) < 1000)
        }
    }

    // MARK: Settling

    @Test("An acknowledged frame leaves memory and never returns; acknowledging it twice does no harm")
    func acknowledged() async throws {
        try await TestQueue.with { queue, redis in
            for id in ["a", "b"] { try await queue.enqueue(id) }
            let frames = try await queue.lease(count: 2, for: .milliseconds(500))
            #expect(try await queue.settle(frames[0], .ack) == Settled(1))
            #expect(try await queue.settle(frames[0], .ack) == Settled(0))
            let others: [Settlement] = [.nack(delay: .zero, reason: ""), .extend(.seconds(60)), .reject(reason: "")]
            for settlement in others { #expect(try await queue.settle(frames[0], settlement) == Settled(0)) }
            #expect(try await redis.cli("XLEN", "frames:queue") == "1")
            #expect(try await queue.dequeue(wait: .seconds(10)) == ["b"])
            #expect(try await eventually { try await queue.counts() == [0, 0, 0] })
            for key in ["held", "lease", "ready"] {
                #expect(try await redis.cli("EXISTS", "frames:queue:{frames:queue}:\(key)") == "0")
            }
        }
    }

    @Test("One receipt given twice counts once")
    func repeated() async throws {
        try await TestQueue.with { queue, _ in
            try await queue.enqueue("a")
            let receipt = try #require(try await queue.lease().first?.receipt)
            let unknown = Receipt(for: receipt.messageID)
            let outcome = try await queue.settle([receipt, unknown, receipt, unknown], .extend(.seconds(60)))
            #expect(outcome == Settled(1, stale: 1))
            #expect(try await queue.settle([receipt, receipt], .ack) == Settled(1))
        }
    }

    @Test("Of receipts that many bring at once each has its own outcome, though they share calls")
    func atOnce() async throws {
        try await TestQueue.with { queue, redis in
            for number in 1...60 { try await queue.enqueue("f\(number)") }
            let receipts = try await queue.lease(count: 60).compactMap(\.receipt)
            #expect(try await queue.settle([receipts[0]], .ack) == Settled(1))
            try await redis.cli("CONFIG", "RESETSTAT")
            try await withThrowingTaskGroup { group in
                for (index, receipt) in receipts.enumerated() {
                    group.addTask {
                        let outcome = try await queue.settle([Receipt(for: receipt.messageID), receipt], .ack)
                        #expect(outcome == Settled(index == 0 ? 0 : 1, stale: 1))
                    }
                }
                try await group.waitForAll()
            }
            #expect(try await queue.counts() == [0, 0, 0])
            // Which each call begins with.
            let calls = try await redis.cli("INFO", "commandstats").firstMatch(
                of: /cmdstat_zremrangebyscore:calls=(\d+)/
            )
            #expect(try #require(calls.flatMap { Int($0.1) }) < receipts.count)
        }
    }

    @Test("A receipt whose frame was handed out since is stale and changes nothing")
    func handedOutSince() async throws {
        try await TestQueue.with { queue, _ in
            try await queue.enqueue("a")
            let late = try #require(try await queue.lease(for: .milliseconds(200)).first)
            let current = try #require(try await queue.lease(for: .seconds(60)).first)
            let settlements: [Settlement] = [
                .ack, .nack(delay: .zero, reason: ""), .extend(.seconds(60)), .reject(reason: ""),
            ]
            for settlement in settlements {
                #expect(try await queue.settle(late, settlement) == Settled(0, stale: 1), "\(settlement)")
            }
            #expect(try await queue.counts() == [0, 1, 0])
            #expect(try await queue.settle(current, .ack) == Settled(1))
            #expect(try await queue.settle(late, .ack) == Settled(0, stale: 1))
        }
    }

    @Test("Until its frame is handed out again, a lapsed receipt still settles it")
    func lapsedReceipt() async throws {
        try await TestQueue.with { queue, _ in
            for id in ["acked", "rejected", "nacked", "delayed"] { try await queue.enqueue(id) }
            let frames = try await queue.lease(count: 4, for: .milliseconds(200))
            #expect(frames.count == 4)
            #expect(try await eventually { try await queue.counts() == [4, 0, 0] })
            #expect(try await queue.settle(frames[0], .ack) == Settled(1))
            #expect(try await queue.settle(frames[1], .reject(reason: "")) == Settled(1))
            #expect(try await queue.settle(frames[2], .nack(delay: .zero, reason: "")) == Settled(1))
            #expect(try await queue.settle(frames[3], .nack(delay: .seconds(60), reason: "")) == Settled(1))
            #expect(try await queue.counts() == [1, 1, 1])
            #expect(try await queue.dequeue(count: 4) == ["nacked"])
        }
    }

    @Test("Extending moves a lease's end, also once it is over")
    func extended() async throws {
        try await TestQueue.with { queue, _ in
            for id in ["a", "b"] { try await queue.enqueue(id) }
            let a = try #require(try await queue.lease(for: .seconds(1)).first)
            #expect(try await queue.settle(a, .extend(.seconds(60))) == Settled(1))
            let b = try #require(try await queue.lease(for: .milliseconds(200)).first)
            #expect(try await eventually { try await queue.counts() == [1, 1, 0] })
            #expect(try await queue.settle(b, .extend(.seconds(60))) == Settled(1))
            #expect(try await queue.counts() == [0, 2, 0])
            #expect(try await queue.dequeue(wait: .milliseconds(1500)) == [])
            // Shortened, it ends sooner.
            #expect(try await queue.settle(a, .extend(.seconds(1))) == Settled(1))
            let again = try #require(try await queue.lease(wait: .seconds(10)).first)
            #expect(again.frameID == "a")
            #expect(again.delivery.number == 2)
            #expect(try await queue.settle([a.receipt, b.receipt].compactMap(\.self), .ack) == Settled(1, stale: 1))
        }
    }

    @Test("A nacked frame is back at once, ahead of newer ones; a second nack of it does nothing")
    func nacked() async throws {
        try await TestQueue.with { queue, _ in
            for id in ["a", "b"] { try await queue.enqueue(id) }
            let frame = try #require(try await queue.lease().first)
            #expect(try await queue.settle(frame, .nack(delay: .zero, reason: "no GPU")) == Settled(1))
            #expect(try await queue.settle(frame, .nack(delay: .seconds(60), reason: "")) == Settled(0))
            #expect(try await queue.counts() == [2, 0, 0])
            let again = try #require(try await queue.lease().first)
            #expect(again.frameID == "a")
            #expect(again.delivery.number == 2)
            #expect(try await queue.settle(frame, .nack(delay: .zero, reason: "")) == Settled(0, stale: 1))
        }
    }

    @Test("A frame nacked with a delay is kept back that long, counts as leased, and its receipt still settles it")
    func delayed() async throws {
        try await TestQueue.with { queue, _ in
            for id in ["a", "b", "c"] { try await queue.enqueue(id) }
            let frames = try await queue.lease(count: 3)
            let start = ContinuousClock.now
            let delay = Settlement.nack(delay: .seconds(1), reason: "")
            #expect(try await queue.settle(frames.compactMap(\.receipt), delay) == Settled(3))
            #expect(try await queue.settle(frames[0], delay) == Settled(0))
            #expect(try await queue.counts() == [0, 3, 0])
            #expect(try await queue.settle(frames[0], .ack) == Settled(1))
            #expect(try await queue.settle(frames[1], .extend(.seconds(60))) == Settled(1))
            let again = try #require(try await queue.lease(wait: .seconds(10)).first)
            #expect(again.frameID == "c")
            #expect(again.delivery.number == 2)
            #expect(ContinuousClock.now - start >= .seconds(1))
            // Extended, it is its holder's again and can be nacked again.
            #expect(try await queue.settle(frames[1], .nack(delay: .zero, reason: "")) == Settled(1))
            #expect(try await queue.dequeue() == ["b"])
        }
    }

    @Test("A receipt that settled is known for a while, and then stale")
    func window() async throws {
        try await TestQueue.with(settledWindow: .milliseconds(300)) { queue, redis in
            try await queue.enqueue("a")
            let frame = try #require(try await queue.lease().first)
            #expect(try await queue.settle(frame, .ack) == Settled(1))
            let isStale = try await eventually { try await queue.settle(frame, .ack) == Settled(0, stale: 1) }
            #expect(isStale)
            #expect(try await redis.cli("EXISTS", "frames:queue:{frames:queue}:settled") == "0")
        }
    }

    @Test("Receipts of frames that were trimmed, deleted or never given out are stale")
    func gone() async throws {
        try await TestQueue.with { queue, redis in
            for id in ["trimmed", "lapsed", "deleted", "kept"] { try await queue.enqueue(id) }
            let frames = try await queue.lease(count: 4)
            #expect(try await queue.settle(frames[1], .nack(delay: .zero, reason: "")) == Settled(1))
            try await redis.cli("XTRIM", "frames:queue", "MAXLEN", "2")
            try await redis.cli("XDEL", "frames:queue", frames[2].delivery.id.description)
            for frame in frames.prefix(2) { #expect(try await queue.settle(frame, .extend(.seconds(60))).stale == 1) }
            #expect(try await queue.settle(frames[2], .ack).stale == 1)
            for frame in frames.prefix(3) { #expect(try await queue.settle(frame, .reject(reason: "")).stale == 1) }
            #expect(try await queue.settle([Receipt(for: frames[3].delivery.id)], .ack).stale == 1)
            let unknown = Receipt(for: StreamID(milliseconds: 5, sequence: 5))
            #expect(try await queue.settle([unknown], .ack).stale == 1)
            #expect(try await queue.counts() == [0, 1, 0])
            #expect(try await redis.cli("HGET", "frames:queue:{frames:queue}:counters", "trimmed") == "3")
            #expect(try await queue.settle(frames[3], .ack) == Settled(1))
        }
    }

    @Test("Frames that others trim from under their leases are forgotten, and hold nothing up")
    func trimmed() async throws {
        try await TestQueue.with { queue, redis in
            for number in 0..<5 { try await queue.enqueue("\(number)") }
            #expect(try await queue.lease(count: 5, for: .milliseconds(500)).count == 5)
            try await redis.cli("XTRIM", "frames:queue", "MAXLEN", "2")
            var received: [DequeuedFrame] = []
            while received.count < 2 { received += try await queue.lease(count: 5, wait: .seconds(10)) }
            #expect(received.map(\.frameID) == ["3", "4"])
            #expect(received.allSatisfy { $0.delivery.number == 2 })
            #expect(try await queue.lease(wait: .milliseconds(100)).isEmpty)
            #expect(try await redis.cli("XPENDING", "frames:queue", "workers").hasPrefix("2"))
            #expect(try await redis.cli("HGET", "frames:queue:{frames:queue}:counters", "trimmed") == "3")
            #expect(try await queue.settle(received.compactMap(\.receipt), .ack) == Settled(2))
            #expect(try await eventually { try await queue.counts() == [0, 0, 0] })
        }
    }

    @Test("A Redis that takes no writes is counted all the same", arguments: ["min-replicas", "replica"])
    func noWrites(because reason: String) async throws {
        let redis = try await RedisServer()
        // Whose housekeeping would find out before us.
        let queue = try TestQueue(redis, keepsHouse: false)
        defer { queue.crash() }
        for id in ["a", "b", "c"] { try await queue.enqueue(id) }
        let frames = try await queue.lease(count: 2)
        #expect(frames.count == 2)
        try await redis.cli("XDEL", "frames:queue", frames[0].delivery.id.description)
        if reason == "replica" {
            try await redis.cli("REPLICAOF", "127.0.0.1", "1")
        } else {
            try await redis.cli("CONFIG", "SET", "min-replicas-to-write", "1")
        }
        // What vanished is still among the leased.
        for _ in 0..<3 { #expect(try await queue.counts() == [0, 2, 0]) }
        try await redis.cli("REPLICAOF", "NO", "ONE")
        try await redis.cli("CONFIG", "SET", "min-replicas-to-write", "0")
        #expect(try await queue.counts() == [1, 1, 0])
        #expect(try await queue.buffer.losses().trimmed == 1)
    }

    // MARK: The last delivery

    @Test("The last delivery that goes unacknowledged makes a frame dead, lapsed or nacked, with its reason")
    func dead() async throws {
        try await TestQueue.with(maxDeliveries: 2) { queue, _ in
            for id in ["lapses", "nacked", "fine"] { try await queue.enqueue(id) }
            for number in 1...2 {
                var frames: [DequeuedFrame] = []
                while frames.count < (number == 1 ? 3 : 2) {
                    frames += try await queue.lease(count: 3, for: .seconds(2))
                }
                #expect(frames.map(\.delivery.number).allSatisfy { $0 == number })
                if number == 1 { #expect(try await queue.settle(frames[2], .ack) == Settled(1)) }
                let nacked = frames[1]
                #expect(try await queue.settle(nacked, .nack(delay: .zero, reason: "blurred \(number)")) == Settled(1))
                if number == 2 {
                    // Dead by this receipt: to say so again does no harm.
                    #expect(try await queue.settle(nacked, .nack(delay: .zero, reason: "")) == Settled(0))
                    #expect(try await eventually { try await queue.counts() == [0, 0, 2] })
                    #expect(try await queue.settle(frames[0], .ack) == Settled(0, stale: 1))
                } else {
                    #expect(try await eventually { try await queue.counts() == [2, 0, 0] })
                }
            }
            let letters = try await queue.buffer.deadLetters(after: nil, count: 10)
            #expect(letters.map(\.frameID) == ["nacked", "lapses"])
            #expect(letters.map(\.reason) == ["blurred 2", "lease_expired"])
            #expect(letters.map(\.deliveries) == [2, 2])
            #expect(try await queue.dequeue(wait: .zero) == [])
        }
    }

    @Test("Where deliveries are not bounded no frame dies of them")
    func unbounded() async throws {
        try await TestQueue.with(maxDeliveries: 0) { queue, _ in
            try await queue.enqueue("a")
            for number in 1...12 {
                let frame = try #require(try await queue.lease().first)
                #expect(frame.delivery.number == number)
                #expect(try await queue.settle(frame, .nack(delay: .zero, reason: "")) == Settled(1))
            }
            #expect(try await queue.counts() == [1, 0, 0])
        }
    }

    // MARK: Not reached

    @Test("A leased frame whose reply reached nobody is back at once, uncounted, unless it was settled or is another's")
    func notReached() async throws {
        try await TestQueue.with { queue, _ in
            for id in ["a", "b"] { try await queue.enqueue(id) }
            for _ in 0..<3 {
                let frame = try #require(try await queue.lease().first)
                #expect(frame.frameID == "a")
                #expect(frame.delivery.number == 1)
                await queue.buffer.giveBack(frame.delivery)
                #expect(try await eventually { await !queue.buffer.hasFramesInHand })
                #expect(try await queue.settle(frame, .ack) == Settled(0, stale: 1))
            }
            // Its holder had it all the same, and was quicker.
            let acked = try #require(try await queue.lease().first)
            #expect(try await queue.settle(acked, .ack) == Settled(1))
            await queue.buffer.giveBack(acked.delivery)
            let lost = try #require(try await queue.lease(for: .milliseconds(200)).first)
            #expect(lost.frameID == "b")
            let current = try #require(try await queue.lease().first)
            await queue.buffer.giveBack(lost.delivery)
            #expect(try await eventually { await !queue.buffer.hasFramesInHand })
            #expect(try await queue.counts() == [0, 1, 0])
            #expect(try await queue.settle(current, .ack) == Settled(1))
        }
    }

    @Test("A leased frame whose receipt was used has reached its holder, whatever becomes of the connection")
    func reachedByReceipt() async throws {
        try await TestQueue.with { queue, _ in
            for id in ["a", "b"] { try await queue.enqueue(id) }
            let extended = try #require(try await queue.lease().first)
            let nacked = try #require(try await queue.lease().first)
            #expect(try await queue.settle(extended, .extend(.seconds(60))) == Settled(1))
            #expect(try await queue.settle(nacked, .nack(delay: .seconds(60), reason: "")) == Settled(1))
            for frame in [extended, nacked] { await queue.buffer.giveBack(frame.delivery) }
            #expect(try await eventually { await !queue.buffer.hasFramesInHand })
            #expect(try await queue.counts() == [0, 2, 0])
            #expect(try await queue.settle([extended, nacked].compactMap(\.receipt), .ack) == Settled(2))
        }
    }

    @Test("A leased frame whose reply has reached its caller stays its holder's")
    func reached() async throws {
        try await TestQueue.with { queue, _ in
            try await queue.enqueue("a")
            let frame = try #require(try await queue.lease().first)
            await queue.buffer.settle(frame.delivery)
            #expect(await !queue.buffer.hasFramesInHand)
            #expect(try await queue.counts() == [0, 1, 0])
            #expect(try await queue.settle(frame, .ack) == Settled(1))
        }
    }

    // MARK: Crashes and replicas

    @Test("Leases outlive the process that gave them: they end when they end, elsewhere, and any replica settles them")
    func processDied() async throws {
        let redis = try await RedisServer()
        let dying = try TestQueue(redis, keepsHouse: false)
        for id in ["held", "lapses", "acked", "unleased"] { try await dying.enqueue(id) }
        let held = try #require(try await dying.lease(for: .seconds(3600)).first)
        let start = ContinuousClock.now
        #expect(try await dying.lease(for: .seconds(14)).count == 1)
        let acked = try #require(try await dying.lease(for: .seconds(3600)).first)
        #expect(try await dying.take().count == 1)
        dying.crash()
        let queue = try TestQueue(redis)
        defer { queue.crash() }
        #expect(try await queue.settle(acked, .ack) == Settled(1))
        // What was not leased comes once the process is known to be dead, and what is leased does not.
        let first = try #require(try await queue.lease(wait: .seconds(30)).first)
        #expect(first.frameID == "unleased")
        let second = try #require(try await queue.lease(wait: .seconds(30)).first)
        #expect(second.frameID == "lapses")
        #expect(second.delivery.number == 2)
        #expect(ContinuousClock.now - start >= .seconds(14))
        #expect(try await queue.lease(wait: .zero).isEmpty)
        // The consumer goes with the last frame that is pending on it.
        let name = dying.buffer.process.name
        #expect(try await redis.cli("XINFO", "CONSUMERS", "frames:queue", "workers").contains(name))
        #expect(try await queue.settle(held, .ack) == Settled(1))
        #expect(
            try await eventually {
                try await !redis.cli("XINFO", "CONSUMERS", "frames:queue", "workers").contains(name)
            }
        )
    }

    @Test("A frame that was in the hands of as many dying processes as it may be delivered is dead")
    func poisonous() async throws {
        let redis = try await RedisServer()
        let dying = try TestQueue(redis, maxDeliveries: 1, keepsHouse: false)
        try await dying.enqueue("poison")
        #expect(try await dying.take().count == 1)
        dying.crash()
        let queue = try TestQueue(redis, maxDeliveries: 1)
        defer { queue.crash() }
        #expect(try await eventually(within: .seconds(30)) { try await queue.counts() == [0, 0, 1] })
        #expect(try await queue.buffer.deadLetters(after: nil, count: 1).first?.reason == "process_died")
    }

    @Test("Leases survive a restart of Redis with its data")
    func redisRestarted() async throws {
        let redis = try await RedisServer(["--appendonly", "yes", "--appendfsync", "always"])
        let queue = try TestQueue(redis)
        defer { queue.crash() }
        for id in ["a", "b", "c"] { try await queue.enqueue(id) }
        let short = try #require(try await queue.lease(for: .seconds(3)).first)
        let long = try #require(try await queue.lease(for: .seconds(3600)).first)
        redis.kill()
        try await redis.start()
        // Callers hear of an outage that was longer than a second.
        let isServed = try await eventually { (try? await queue.counts()) == [1, 2, 0] }
        #expect(isServed)
        #expect(try await queue.settle(long, .ack) == Settled(1))
        let again = try #require(try await queue.lease(count: 2, wait: .seconds(1)).first)
        #expect(again.frameID == "c" || again.frameID == short.frameID)
        var rest: [String?] = []
        while rest.isEmpty { rest = try await queue.lease(wait: .seconds(20)).map(\.frameID) }
        #expect(Set([again.frameID, rest[0]]) == ["a", "c"])
    }

    @Test("Of many leases that run out at once each frame comes again exactly once, whichever replica notices")
    func replicas() async throws {
        let redis = try await RedisServer()
        let replicas = try (0..<3).map { _ in try TestQueue(redis) }
        defer { for replica in replicas { replica.crash() } }
        let count = 300
        for number in 0..<count { try await replicas[number % 3].enqueue("\(number)") }
        var first: [DequeuedFrame] = []
        while first.count < count {
            for replica in replicas { first += try await replica.lease(count: 50, for: .seconds(2), wait: .zero) }
        }
        #expect(Set(first.map(\.frameID)).count == count)
        let again = try await withThrowingTaskGroup { group in
            for number in 0..<6 {
                group.addTask {
                    var mine: [DequeuedFrame] = []
                    while true {
                        let frames = try await replicas[number % 3].lease(count: 20, wait: .seconds(4))
                        if frames.isEmpty { return mine }
                        mine += frames
                    }
                }
            }
            return try await group.reduce(into: [DequeuedFrame]()) { $0 += $1 }
        }
        #expect(again.count == count)
        #expect(Set(again.map(\.frameID)).count == count)
        #expect(again.allSatisfy { $0.delivery.number == 2 })
        var settled = 0
        for (number, frame) in again.enumerated() {
            settled += try await replicas[number % 3].settle(frame, .ack).settled
        }
        #expect(settled == count)
        #expect(try await replicas[0].counts() == [0, 0, 0])
    }

    // MARK: Others

    @Test("When the group is lost leases end, receipts are stale, and frames come once more with their deliveries anew")
    func groupLost() async throws {
        try await TestQueue.with { queue, redis in
            try await queue.enqueue("a")
            let first = try #require(try await queue.lease().first)
            #expect(try await queue.settle(first, .nack(delay: .zero, reason: "")) == Settled(1))
            let frame = try #require(try await queue.lease().first)
            #expect(frame.delivery.number == 2)
            try await redis.cli("XGROUP", "DESTROY", "frames:queue", "workers")
            #expect(try await queue.settle(frame, .ack) == Settled(0, stale: 1))
            let again = try #require(try await queue.lease().first)
            #expect(again.delivery.number == 1)
            #expect(try await queue.settle(again, .ack) == Settled(1))
            try await redis.cli("FLUSHALL")
            #expect(try await queue.settle(again, .ack) == Settled(0, stale: 1))
        }
    }

    @Test("An acknowledged frame is kept for another group until that has acknowledged it too")
    func foreignGroup() async throws {
        try await TestQueue.with { queue, redis in
            try await redis.cli("XGROUP", "CREATE", "frames:queue", "others", "0", "MKSTREAM")
            try await queue.enqueue("a")
            let frame = try #require(try await queue.lease().first)
            #expect(try await queue.settle(frame, .ack) == Settled(1))
            #expect(try await queue.counts() == [0, 0, 0])
            #expect(try await redis.cli("XLEN", "frames:queue") == "1")
            try await redis.cli("XREADGROUP", "GROUP", "others", "c", "STREAMS", "frames:queue", ">")
            try await redis.cli("XACK", "frames:queue", "others", frame.delivery.id.description)
            #expect(try await eventually { try await redis.cli("XLEN", "frames:queue") == "0" })
        }
    }

    @Test("What somebody else acknowledges while it is leased does not come again, and leaves memory")
    func acknowledgedElsewhere() async throws {
        try await TestQueue.with { queue, redis in
            try await queue.enqueue("a")
            let frame = try #require(try await queue.lease(for: .milliseconds(500)).first)
            try await redis.cli("XACK", "frames:queue", "workers", frame.delivery.id.description)
            #expect(try await eventually { try await redis.cli("XLEN", "frames:queue") == "0" })
            #expect(try await queue.settle(frame, .ack) == Settled(0, stale: 1))
            #expect(try await queue.lease(wait: .zero).isEmpty)
        }
    }

    @Test("Out of memory, leases are given, settled and run out all the same")
    func outOfMemory() async throws {
        try await TestQueue.with(maxDeliveries: 2) { queue, redis in
            for id in ["a", "b", "c", "d"] { try await queue.enqueue(id) }
            try await redis.cli("CONFIG", "SET", "maxmemory", "1")
            let frames = try await queue.lease(count: 4, for: .seconds(2))
            #expect(frames.count == 4)
            #expect(try await queue.settle(frames[0], .ack) == Settled(1))
            #expect(try await queue.settle(frames[1], .nack(delay: .zero, reason: "")) == Settled(1))
            #expect(try await queue.settle(frames[2], .reject(reason: "")) == Settled(1))
            #expect(try await eventually { try await queue.counts() == [2, 0, 1] })
            #expect(await failure { try await queue.enqueue("e") } == .redis(.outOfMemory))
        }
    }

    @Test("What the holder said and who it is stay with the frame, whatever characters a foreign id has")
    func record() async throws {
        try await TestQueue.with { queue, redis in
            try await redis.cli("XADD", "frames:queue", "*", "frame_id", "line\none 1 2")
            let frame = try #require(try await queue.lease().first)
            #expect(try await queue.settle(frame, .nack(delay: .seconds(60), reason: "no GPU")) == Settled(1))
            let held = try await redis.cli("HGETALL", "frames:queue:{frames:queue}:held")
            #expect(held.contains("test"))
            #expect(held.contains("no GPU"))
            #expect(held.hasSuffix("line\none 1 2"))
            #expect(try await queue.settle(frame, .ack) == Settled(1))
        }
    }
}

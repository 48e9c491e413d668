import NIOCore
import RedisTesting
import Testing

@testable import FrameBuffer

@Suite("A queue that is bounded in bytes")
struct BytesTests {
    private let most = 2 << 20

    private func withQueue(
        overflow: QueueConfiguration.Overflow = .reject,
        retention: QueueConfiguration.Retention = .workqueue,
        _ body: (TestQueue, RedisServer) async throws -> Void
    ) async throws {
        let configure = { (configuration: inout QueueConfiguration) in
            configuration.capacityBytes = most
            configuration.retention = retention
        }
        try await TestQueue.with(overflow: overflow, configure: configure, body)
    }

    private func frame(_ id: String, _ size: Int) -> String {
        #"{"frame_id":"\#(id)","x":"\#(String(repeating: "x", count: size))"}"#
    }

    private func bytes(_ redis: RedisServer) async throws -> Int {
        Int(try await redis.cli("MEMORY", "USAGE", "frames:queue", "SAMPLES", "0")) ?? 0
    }

    private func dropped(_ redis: RedisServer) async throws -> String {
        try await redis.cli("HGET", "frames:queue:{frames:queue}:counters", "dropped")
    }

    @Test("is full once its frames take so many, though it holds far fewer than it may, and takes more as they leave")
    func full() async throws {
        try await withQueue { queue, redis in
            var count = 0
            while await failure({ try await queue.enqueue(json: frame("\(count)", 50_000)) }) == nil { count += 1 }
            #expect((30...42).contains(count))
            #expect(try await bytes(redis) <= most)
            #expect(try await eventually { try await queue.buffer.size().bytes > most * 3 / 4 })
            #expect(try await queue.dequeue(count: 20).count == 20)
            let hasRoom = try await eventually {
                await failure { try await queue.enqueue(json: frame("x", 50_000)) } == nil
            }
            #expect(hasRoom)
            for _ in 0..<10 { try await queue.enqueue(json: frame("x", 50_000)) }
            #expect(try await bytes(redis) <= most)
        }
    }

    @Test("counts a large frame among small ones as what it is, also within the second between two measurements")
    func mixed() async throws {
        try await withQueue { queue, redis in
            for number in 0..<100 { try await queue.enqueue("\(number)") }
            var count = 0
            while await failure({ try await queue.enqueue(json: frame("large", 200_000)) }) == nil { count += 1 }
            #expect((7...10).contains(count))
            #expect(try await bytes(redis) <= most * 11 / 10)
        }
    }

    @Test(
        "has room for a frame once the former ones have left, and drops none for it",
        arguments: [QueueConfiguration.Overflow.reject, .dropOldest]
    )
    func leaving(overflow: QueueConfiguration.Overflow) async throws {
        try await withQueue(overflow: overflow) { queue, redis in
            // Small, and never gone: the average says nothing of what follows, and the queue is never empty.
            try await queue.enqueue(json: frame("leased", 5000))
            #expect(try await queue.lease().count == 1)
            for number in 0..<40 {
                try await queue.enqueue(json: frame("\(number)", 900_000))
                #expect(try await queue.dequeue() == ["\(number)"])
                let hasLeft = try await eventually { try await queue.buffer.size().size == 1 }
                #expect(hasLeft)
            }
            #expect(try await dropped(redis) == "")
        }
    }

    @Test("is not full any more as soon as they have left")
    func notFull() async throws {
        try await withQueue { queue, _ in
            try await queue.enqueue(json: frame("leased", 5000))
            #expect(try await queue.lease().count == 1)
            for round in 0..<20 {
                for number in 0..<2 { try await queue.enqueue(json: frame("\(round) \(number)", 900_000)) }
                let full = try await queue.buffer.fill()
                #expect(full.isFull)
                #expect(try await queue.dequeue(count: 2).count == 2)
                let hasLeft = try await eventually { try await queue.buffer.currentSize() == 1 }
                #expect(hasLeft)
                let empty = try await queue.buffer.fill()
                #expect(!empty.isFull)
            }
        }
    }

    @Test(
        "gives no room to what it has already, and tells of it even when full",
        arguments: [QueueConfiguration.Overflow.reject, .dropOldest]
    )
    func duplicates(overflow: QueueConfiguration.Overflow) async throws {
        try await withQueue(overflow: overflow) { queue, redis in
            func batch(_ ids: [String], by deduplication: Deduplication) async throws -> [Bool] {
                let frames = try ids.map { try IncomingFrame.json(.init(string: frame($0, 100_000))) }
                let caller = Caller(span: nil, broughtContext: false)
                return try await queue.buffer.enqueue(frames, by: deduplication, for: caller).map(\.isDuplicate)
            }
            for number in 0..<20 { try await queue.enqueue("\(number)") }
            for count in 0..<10 {
                let isKnown = try await batch(["a", "b", "c", "d", "e", "f", "g", "h"], by: .key("key"))
                #expect(isKnown == Array(repeating: count > 0, count: 8))
                #expect(try await batch(["i", "j"], by: .frameID) == [count > 0, count > 0])
            }
            #expect(try await batch(["i", "j", "k", "l", "m", "n"], by: .frameID).filter { !$0 }.count == 4)
            // Only the last is new; all of them together would have no room.
            #expect(try await batch(["i", "j", "k", "l", "m", "n", "o"], by: .frameID).filter { !$0 }.count == 1)
            #expect(try await redis.cli("XLEN", "frames:queue") == "35")
            #expect(try await dropped(redis) == "")
            guard overflow == .reject else { return }
            while await failure({ try await queue.enqueue(json: frame("x", 50_000)) }) == nil {}
            #expect(try await batch(["i", "j"], by: .frameID) == [true, true])
            #expect(await failure { try await batch(["i", "p"], by: .frameID) } == .full)
        }
    }

    @Test(
        "knows from each answer what was written and what left, before it measures again",
        arguments: [QueueConfiguration.Overflow.reject, .dropOldest]
    )
    func answers(overflow: QueueConfiguration.Overflow) async throws {
        try await withQueue(overflow: overflow) { queue, redis in
            func error() async throws -> Int {
                let used = await queue.buffer.byteCapacity?.used ?? 0
                return abs(used - (try await bytes(redis)))
            }
            func batch(by deduplication: Deduplication?) async throws -> [EnqueuedFrame] {
                let frames = try ["a", "b"].map { try IncomingFrame.json(.init(string: frame($0, 50_000))) }
                let caller = Caller(span: nil, broughtContext: false)
                return try await queue.buffer.enqueue(frames, by: deduplication, for: caller)
            }
            for number in 0..<2 { try await queue.enqueue(json: frame("\(number)", 850_000)) }
            for _ in 0..<2 {
                _ = try await batch(by: .key("key"))
                #expect(try await error() < 50_000)
            }
            if overflow == .dropOldest {
                // What makes room is far larger than it has to be.
                try await queue.enqueue(json: frame("x", 200_000))
                #expect(try await dropped(redis) == "1")
                #expect(try await error() < 50_000)
            }
            try await redis.cli("CONFIG", "SET", "maxmemory", "1")
            #expect(await failure { try await queue.enqueue(json: frame("x", 100_000)) } != nil)
            #expect(try await error() < 50_000)
            #expect(await failure { try await batch(by: nil) } != nil)
            #expect(try await error() < 50_000)
        }
    }

    @Test("counts no bytes of settled frames that stay in it")
    func kept() async throws {
        try await withQueue(retention: .stream) { queue, redis in
            for number in 0..<20 {
                try await queue.enqueue(json: frame("\(number)", 200_000))
                #expect(try await queue.dequeue() == ["\(number)"])
            }
            #expect(try await bytes(redis) > 2 * most - most / 2)
            for _ in 0..<4 { try await queue.enqueue(json: frame("x", 200_000)) }
            let size = try await queue.buffer.fill()
            #expect(!size.isFull)
        }
    }

    @Test("refuses a batch that has no room as a whole, and for good a frame or a batch that never will have")
    func batches() async throws {
        try await withQueue { queue, redis in
            let caller = Caller(span: nil, broughtContext: false)
            func batch(_ count: Int, _ size: Int) async -> FrameBufferError.Code? {
                await failure {
                    let frames = try (0..<count).map { try IncomingFrame.json(.init(string: frame("\($0)", size))) }
                    return try await queue.buffer.enqueue(frames, for: caller)
                }
            }
            #expect(await batch(10, 150_000) == nil)
            #expect(await batch(10, 100_000) == .full)
            #expect(await batch(30, 100_000) == .tooLarge)
            #expect(await failure { try await queue.enqueue(json: frame("x", 3 << 20)) } == .tooLarge)
            let length = try await redis.cli("XLEN", "frames:queue")
            #expect(length == "10")
        }
    }

    @Test("that drops the oldest makes room for as many bytes as it needs")
    func dropOldest() async throws {
        try await withQueue(overflow: .dropOldest) { queue, redis in
            for number in 0..<200 { try await queue.enqueue(json: frame("\(number)", 50_000)) }
            #expect(try await bytes(redis) <= most)
            let ids = try await queue.buffer.look(after: .first, count: 1000).frames.map { $0.withStored(\.frameID) }
            #expect((30...42).contains(ids.count))
            #expect(ids.last == "199")
        }
    }

    @Test("that drops the oldest never refuses bursts while any wait, stays within its bound, and drops what it has to")
    func bursts() async throws {
        try await withQueue(overflow: .dropOldest) { queue, redis in
            for number in 0..<20 { try await queue.enqueue(json: frame("\(number)", 5000)) }
            #expect(try await queue.lease().count == 1)
            for burst in 0..<8 {
                let failures = await withTaskGroup { group in
                    for number in 0..<12 {
                        group.addTask {
                            await failure {
                                // Batches too, of as much.
                                let count = burst.isMultiple(of: 2) ? 1 : 2
                                let frames = try (0..<count).map {
                                    let text = frame("\(burst) \(number) \($0)", 400_000 / count)
                                    return try IncomingFrame.json(ByteBuffer(string: text))
                                }
                                let caller = Caller(span: nil, broughtContext: false)
                                if count > 1 { return try await queue.buffer.enqueue(frames, for: caller) }
                                return try await queue.buffer.enqueue(frames[0], for: caller)
                            }
                        }
                    }
                    return await group.reduce(into: []) { $0 += [$1].compactMap(\.self) }
                }
                #expect(failures.isEmpty)
                let bytes = try await bytes(redis)
                #expect((most / 2...most + 458_752).contains(bytes))
            }
        }
    }

    @Test("that drops the oldest refuses where all of them are in hand, be it only for their bytes")
    func inHand() async throws {
        try await withQueue(overflow: .dropOldest) { queue, redis in
            for number in 0..<8 { try await queue.enqueue(json: frame("\(number)", 220_000)) }
            let leased = try await queue.lease(count: 8)
            #expect(leased.count == 8)
            #expect(await failure { try await queue.enqueue(json: frame("x", 400_000)) } == .full)
            #expect(try await redis.cli("XLEN", "frames:queue") == "8")
            #expect(try await queue.settle(leased.compactMap(\.receipt), .ack) == Settled(8))
            try await queue.enqueue(json: frame("x", 400_000))
            #expect(try await dropped(redis) == "")
        }
    }

    @Test("takes back only the dead letters that have room")
    func redriven() async throws {
        try await withQueue { queue, redis in
            for number in 0..<12 {
                try await queue.enqueue(json: frame("\(number)", 200_000))
                let dead = try #require(try await queue.lease().first)
                #expect(try await queue.settle(dead, .reject(reason: "")) == Settled(1))
            }
            try await queue.enqueue("small")
            let count = try await queue.buffer.redrive(nil)
            #expect((7...9).contains(count))
            #expect(try await bytes(redis) <= most)
            #expect(await failure { try await queue.buffer.redrive(nil) } == .full)
            #expect(await failure { try await queue.enqueue(json: frame("x", 400_000)) } == .full)
        }
    }

    @Test("knows what is there from before")
    func before() async throws {
        let redis = try await RedisServer()
        let large = String(repeating: "x", count: 100_000)
        for _ in 0..<20 { _ = try await redis.cli("XADD", "frames:queue", "*", "x", large) }
        let queue = try TestQueue(redis, configure: { $0.capacityBytes = most })
        defer { queue.crash() }
        #expect(await failure { try await queue.enqueue(json: frame("x", 150_000)) } == .full)
    }
}

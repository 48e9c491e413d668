import NIOCore
import RedisClient
import RedisTesting
import Testing

@testable import FrameBuffer

@Suite("A batch on a real Redis")
struct BatchTests {
    private static let caller = Caller(span: nil, broughtContext: false)

    private static func frames(_ ids: [String], padding: Int = 0) throws -> [IncomingFrame] {
        let text = String(repeating: "x", count: padding)
        return try ids.map { try .json(ByteBuffer(string: #"{"frame_id":"\#($0)","text":"\#(text)"}"#)) }
    }

    @discardableResult
    private func enqueue(
        _ ids: [String],
        _ queue: TestQueue,
        by deduplication: Deduplication? = nil,
        padding: Int = 0
    ) async throws -> [EnqueuedFrame] {
        try await queue.buffer.enqueue(Self.frames(ids, padding: padding), by: deduplication, for: Self.caller)
    }

    private func marks(_ redis: RedisServer) async throws -> Int {
        try await redis.cli("KEYS", "frames:queue:{frames:queue}:mark:*").split(separator: "\n").count
    }

    // MARK: Batches

    @Test("comes out in its order, and the last of it counts all; ids are in the order of the frames")
    func order() async throws {
        try await TestQueue.with { queue, redis in
            let ids = (0..<500).map { "f\($0)" }
            let enqueued = try await enqueue(ids, queue)
            #expect(enqueued.map(\.frameID) == ids)
            #expect(enqueued.map(\.messageID) == enqueued.map(\.messageID).sorted())
            #expect(enqueued.allSatisfy { $0.queueSize == 500 && !$0.isDuplicate })
            #expect(try await marks(redis) == 0)
            var received: [String] = []
            while received.count < ids.count { received += try await queue.dequeue(count: 100) }
            #expect(received == ids)
        }
    }

    @Test("is one command to Redis")
    func roundTrip() async throws {
        try await TestQueue.with(capacity: 2000) { queue, redis in
            try await enqueue(["first"], queue)
            try await redis.cli("CONFIG", "SET", "slowlog-log-slower-than", "0")
            try await enqueue((0..<1000).map { "f\($0)" }, queue)
            // All commands are listed, the housekeeping's too, but not what scripts call: ours has the window in it.
            let commands = try await redis.cli("SLOWLOG", "GET", "-1").split(separator: "\n")
            #expect(commands.count { $0 == "120000" } == 1)
            #expect(!commands.contains("XADD"))
            #expect(try await redis.cli("XLEN", "frames:queue") == "1001")
        }
    }

    @Test("that the queue has no room for is refused whole, whether that was known or not")
    func full() async throws {
        try await TestQueue.with(capacity: 5) { queue, redis in
            #expect(await failure { try await enqueue((0..<6).map(String.init), queue) } == .full)
            #expect(try await redis.cli("EXISTS", "frames:queue") == "1")
            #expect(try await redis.cli("XLEN", "frames:queue") == "0")
            try await enqueue(["a", "b", "c"], queue)
            for _ in 0..<2 { #expect(await failure { try await enqueue(["d", "e", "f"], queue) } == .full) }
            // Others may have made room since this process looked.
            try await redis.cli("XTRIM", "frames:queue", "MAXLEN", "2")
            #expect(try await enqueue(["d", "e", "f"], queue).last?.queueSize == 5)
            #expect(await failure { try await enqueue(["g"], queue) } == .full)
            #expect(await failure { try await queue.enqueue("g") } == .full)
        }
    }

    @Test("is written whole or not at all when Redis is out of memory, and when it has little left")
    func outOfMemory() async throws {
        try await TestQueue.with { queue, redis in
            try await enqueue(["a"], queue)
            try await redis.cli("CONFIG", "SET", "maxmemory", "1")
            #expect(await failure { try await enqueue(["b", "c"], queue) } == .redis(.outOfMemory))
            #expect(try await redis.cli("XLEN", "frames:queue") == "1")
            try await redis.cli("CONFIG", "SET", "maxmemory", "0")
            let used = try await redis.cli("INFO", "memory").split(whereSeparator: \.isNewline)
                .first { $0.hasPrefix("used_memory:") }.flatMap { Int($0.dropFirst("used_memory:".count)) }
            // Room for some of them, not for all.
            let limit = try #require(used) + (2 << 20)
            try await redis.cli("CONFIG", "SET", "maxmemory", "\(limit)")
            var outcomes: Set<Int> = []
            var length = 1
            for round in 0..<8 {
                let ids = (0..<10).map { "r\(round)-\($0)" }
                let refusal = await failure { try await enqueue(ids, queue, padding: 60_000) }
                #expect([nil, .redis(.outOfMemory)].contains(refusal))
                length += refusal == nil ? 10 : 0
                outcomes.insert(refusal == nil ? 1 : 0)
                #expect(try await redis.cli("XLEN", "frames:queue") == "\(length)")
            }
            #expect(outcomes.contains(0))
        }
    }

    @Test("of a queue whose key is something else is refused whole")
    func wrongType() async throws {
        try await TestQueue.with { queue, redis in
            #expect(try await eventually { try await redis.cli("EXISTS", "frames:queue") == "1" })
            try await redis.cli("SET", "frames:queue", "x")
            #expect(await failure { try await enqueue(["a", "b"], queue, by: .key("k")) } == .redis(.wrongType))
            #expect(try await marks(redis) == 0)
        }
    }

    @Test("of frames with as many fields as may be is written near the bound as well")
    func manyFields() async throws {
        try await TestQueue.with(capacity: 2) { queue, redis in
            let fields = (0..<3000).map { #""f\#($0)":1"# }.joined(separator: ",")
            let body = ByteBuffer(string: "[{\(fields)},{\(fields)}]")
            let frames = try IncomingFrame.batch(body, limits: FrameLimits(fields: 3000))
            #expect(try await queue.buffer.enqueue(frames, for: Self.caller).count == 2)
            #expect(try await redis.cli("XLEN", "frames:queue") == "2")
        }
    }

    // MARK: Keys

    @Test("Under a key that was used, nothing is written, and the answer is the first one, for a batch as for a frame")
    func duplicate() async throws {
        try await TestQueue.with { queue, redis in
            let first = try await enqueue(["a", "b c", "é"], queue, by: .key("k"))
            let again = try await enqueue(["x", "y", "z"], queue, by: .key("k"))
            #expect(first.allSatisfy { !$0.isDuplicate })
            #expect(again.allSatisfy { $0.isDuplicate && $0.queueSize == 3 })
            #expect(again.map(\.frameID) == ["a", "b c", "é"])
            #expect(again.map(\.messageID) == first.map(\.messageID))
            #expect(again.map(\.context?.traceparent) == first.map(\.context?.traceparent))
            #expect(first[0].context != nil)
            #expect(try await redis.cli("XLEN", "frames:queue") == "3")
            // As many as were told of first, whatever comes now.
            #expect(try await enqueue(["x"], queue, by: .key("k")).count == 3)
            #expect(try await enqueue((0..<9).map(String.init), queue, by: .key("k")).count == 3)
            let single = try await enqueue(["a"], queue, by: .key("l"))
            #expect(!single[0].isDuplicate)
            #expect(try await enqueue(["a"], queue, by: .key("l"))[0].messageID == single[0].messageID)
            #expect(try await redis.cli("XLEN", "frames:queue") == "4")
        }
    }

    @Test("A key says nothing of a frame of that id, nor the other way round, nor in another queue")
    func namespaces() async throws {
        try await TestQueue.with { queue, redis in
            let first = try await enqueue(["a"], queue, by: .key("a")) + enqueue(["a"], queue, by: .frameID)
            #expect(first.allSatisfy { !$0.isDuplicate })
            #expect(try await marks(redis) == 2)
            let key = QueueKeys(queue: "other").mark(of: .request("a"))
            #expect(key.hasPrefix("other:{other}:mark:"))
            #expect(key != QueueKeys(queue: "frames:queue").mark(of: .request("a")))
        }
    }

    @Test("By their own ids, only frames that are new are written, within one batch too")
    func frameIDs() async throws {
        try await TestQueue.with(capacity: 4) { queue, redis in
            let first = try await enqueue(["a", "b"], queue, by: .frameID)
            let mixed = try await enqueue(["c", "b", "d", "c"], queue, by: .frameID)
            #expect(mixed.map(\.frameID) == ["c", "b", "d", "c"])
            #expect(mixed.map(\.isDuplicate) == [false, true, false, true])
            #expect(mixed[1].messageID == first[1].messageID)
            #expect(mixed[3].messageID == mixed[0].messageID)
            #expect(mixed[0].queueSize == 4)
            #expect(try await redis.cli("XLEN", "frames:queue") == "4")
            // Full: what is known is told all the same, what is new is refused with all that came with it.
            #expect(try await enqueue(["a", "d"], queue, by: .frameID).allSatisfy(\.isDuplicate))
            #expect(await failure { try await enqueue(["a", "e"], queue, by: .frameID) } == .full)
            #expect(try await marks(redis) == 4)
        }
    }

    @Test("What was refused leaves no mark: the same key may come again")
    func refused() async throws {
        try await TestQueue.with(capacity: 1) { queue, redis in
            try await enqueue(["a"], queue, by: .key("a"))
            #expect(await failure { try await enqueue(["b"], queue, by: .key("b")) } == .full)
            // A first reply is told from a full queue.
            #expect(try await enqueue(["a"], queue, by: .key("a"))[0].isDuplicate)
            #expect(try await queue.dequeue() == ["a"])
            #expect(try await eventually { try await redis.cli("XLEN", "frames:queue") == "0" })
            try await redis.cli("CONFIG", "SET", "maxmemory", "1")
            #expect(await failure { try await enqueue(["b"], queue, by: .key("b")) } == .redis(.outOfMemory))
            try await redis.cli("CONFIG", "SET", "maxmemory", "0")
            #expect(try await enqueue(["b"], queue, by: .key("b"))[0].isDuplicate == false)
        }
    }

    @Test("Requests of one key at the same moment, through several replicas, make one frame")
    func concurrent() async throws {
        let redis = try await RedisServer()
        let replicas = try (0..<2).map { _ in try TestQueue(redis) }
        defer { for replica in replicas { replica.crash() } }
        let answers = try await withThrowingTaskGroup { group in
            for number in 0..<40 {
                group.addTask {
                    try await self.enqueue(["f\(number)"], replicas[number % 2], by: .key("k\(number % 4)"))[0]
                }
            }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        #expect(answers.count(where: { !$0.isDuplicate }) == 4)
        #expect(Set(answers.map(\.messageID)).count == 4)
        #expect(try await redis.cli("XLEN", "frames:queue") == "4")
    }

    @Test("The window is as long as it is set to be, from the first request on")
    func window() async throws {
        let redis = try await RedisServer()
        let queue = try TestQueue(redis, deduplicationWindow: .milliseconds(1500))
        defer { queue.crash() }
        try await enqueue(["a"], queue, by: .key("k"))
        let mark = try await redis.cli("KEYS", "*:mark:*")
        let left = try #require(Int(try await redis.cli("PTTL", mark)))
        #expect((1...1500).contains(left))
        #expect(try await eventually { try await redis.cli("EXISTS", mark) == "0" })
        #expect(try await enqueue(["a"], queue, by: .key("k"))[0].isDuplicate == false)
        #expect(try await redis.cli("XLEN", "frames:queue") == "2")
    }

    @Test("After a lost reply the same key gives one frame, whether the first request arrived or not")
    func lostReply() async throws {
        try await TestQueue.with { queue, redis in
            try await enqueue(["before"], queue)
            redis.freeze(true)
            #expect(await failure { try await enqueue(["a"], queue, by: .key("k")) } == .redis(.lostReply))
            redis.freeze(false)
            var enqueued: [EnqueuedFrame] = []
            let isAnswered = try await eventually {
                enqueued = (try? await enqueue(["a"], queue, by: .key("k"))) ?? []
                return !enqueued.isEmpty
            }
            #expect(isAnswered)
            // Redis reads what the closed connection left behind before it says that it is closed.
            #expect(try await eventually { try await redis.cli("CLIENT", "LIST").split(separator: "\n").count <= 4 })
            #expect(try await redis.cli("XLEN", "frames:queue") == "2")
            #expect(try await queue.dequeue(count: 5) == ["before", "a"])
        }
    }

    @Test("A mark that says what no mark does is an error, and nothing is written")
    func spoiledMark() async throws {
        try await TestQueue.with { queue, redis in
            try await enqueue(["a"], queue, by: .key("k"))
            let mark = try await redis.cli("KEYS", "*:mark:*")
            for text in ["", "x", "1-1", "1-1 -", "1-1 - a\nb"] {
                try await redis.cli("SET", mark, text)
                #expect(await failure { try await enqueue(["a"], queue, by: .key("k")) } == .redis(.protocolViolation))
            }
            #expect(try await redis.cli("XLEN", "frames:queue") == "1")
        }
    }
}

import NIOCore
import RedisTesting
import Testing

@testable import FrameBuffer

@Suite("A full queue that drops the oldest")
struct OverflowTests {
    private func withQueue(
        capacity: Int = 10,
        _ body: (TestQueue, RedisServer) async throws -> Void
    ) async throws {
        try await TestQueue.with(capacity: capacity, overflow: .dropOldest, body)
    }

    private func counter(_ name: String, _ redis: RedisServer) async throws -> String {
        try await redis.cli("HGET", "frames:queue:{frames:queue}:counters", name)
    }

    @Test("keeps the newest, in order, and counts each that it drops, by camera too")
    func newest() async throws {
        try await withQueue { queue, redis in
            for number in 0..<25 {
                let camera = number.isMultiple(of: 5) ? "five" : "other"
                try await queue.enqueue(json: #"{"frame_id":"\#(number)","camera_id":"\#(camera)"}"#)
            }
            #expect(try await queue.buffer.size().size == 10)
            #expect(try await counter("dropped", redis) == "15")
            #expect(try await counter("dropped five", redis) == "3")
            #expect(try await counter("dropped other", redis) == "12")
            #expect(try await queue.dequeue(count: 100) == (15..<25).map(String.init))
        }
    }

    @Test("drops what was returned before what is new, as it is older")
    func returned() async throws {
        try await withQueue(capacity: 3) { queue, _ in
            for id in ["a", "b", "c"] { try await queue.enqueue(id) }
            let frame = try #require(try await queue.take().first)
            await queue.buffer.giveBack(frame.delivery)
            let isBack = try await eventually { await !queue.buffer.hasFramesInHand }
            #expect(isBack)
            try await queue.enqueue("d")
            #expect(try await queue.dequeue(count: 9) == ["b", "c", "d"])
        }
    }

    @Test("drops nothing that somebody has in hand: where all are, the frame is refused")
    func inHand() async throws {
        try await withQueue(capacity: 3) { queue, redis in
            for id in ["a", "b", "c"] { try await queue.enqueue(id) }
            let frames = try await queue.take(count: 2)
            try await queue.enqueue("d")
            #expect(try await counter("dropped", redis) == "1")
            let last = try await queue.take()
            #expect(last.map(\.frameID) == ["d"])
            #expect(await failure { try await queue.enqueue("e") } == .full)
            #expect(try await counter("dropped", redis) == "1")
            for frame in frames + last { await queue.buffer.settle(frame.delivery) }
            let isEmpty = try await eventually { try await queue.buffer.size().size == 0 }
            #expect(isEmpty)
            try await queue.enqueue("e")
            #expect(try await queue.dequeue() == ["e"])
        }
    }

    @Test("makes room for a whole batch, or drops nothing for one that can't fit")
    func batch() async throws {
        try await withQueue { queue, redis in
            for number in 0..<10 { try await queue.enqueue("\(number)") }
            let batch = { (ids: [String]) in
                let frames = try ids.map { id in
                    try IncomingFrame.json(ByteBuffer(string: #"{"frame_id":"\#(id)"}"#), limits: FrameLimits())
                }
                return try await queue.buffer.enqueue(frames, for: Caller(span: nil, broughtContext: false))
            }
            #expect(try await batch(["a", "b", "c", "d"]).map(\.queueSize).last == 10)
            #expect(try await counter("dropped", redis) == "4")
            #expect(await failure { _ = try await batch((0..<11).map { "x\($0)" }) } == .full)
            #expect(try await counter("dropped", redis) == "4")
            #expect(try await queue.dequeue(count: 100) == ["4", "5", "6", "7", "8", "9", "a", "b", "c", "d"])
        }
    }

    @Test("never holds more than it may, however many write at once through several instances")
    func several() async throws {
        let redis = try await RedisServer()
        let queues = try (0..<3).map { _ in try TestQueue(redis, capacity: 20, overflow: .dropOldest) }
        defer { for queue in queues { queue.crash() } }
        let accepted = await withTaskGroup { group in
            for number in 0..<300 {
                group.addTask { (try? await queues[number % 3].enqueue("\(number)")) != nil }
            }
            return await group.reduce(into: 0) { $0 += $1 ? 1 : 0 }
        }
        #expect(accepted == 300)
        let length = try #require(Int(try await redis.cli("XLEN", "frames:queue")))
        // Each instance knows of the others' frames once it has looked: a tenth of the capacity is left for that.
        #expect((20...40).contains(length))
        try await queues[0].enqueue("last")
        try await queues[0].enqueue("and another")
        let dropped = try #require(Int(try await counter("dropped", redis)))
        #expect(try await queues[0].buffer.size().size + dropped == 302)
    }

    @Test("works where the group was destroyed, and drops no frame for that")
    func group() async throws {
        try await withQueue(capacity: 3) { queue, redis in
            for id in ["a", "b", "c"] { try await queue.enqueue(id) }
            try await redis.cli("XGROUP", "DESTROY", "frames:queue", "workers")
            try await queue.enqueue("d")
            #expect(try await queue.dequeue(count: 9) == ["b", "c", "d"])
        }
    }
}

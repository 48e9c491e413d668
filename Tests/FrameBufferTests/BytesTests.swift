import NIOCore
import RedisTesting
import Testing

@testable import FrameBuffer

@Suite("A queue that is bounded in bytes")
struct BytesTests {
    private let most = 2 << 20

    private func withQueue(
        overflow: QueueConfiguration.Overflow = .reject,
        _ body: (TestQueue, RedisServer) async throws -> Void
    ) async throws {
        try await TestQueue.with(overflow: overflow, configure: { $0.capacityBytes = most }, body)
    }

    private func frame(_ id: String, _ size: Int) -> String {
        #"{"frame_id":"\#(id)","x":"\#(String(repeating: "x", count: size))"}"#
    }

    private func bytes(_ redis: RedisServer) async throws -> Int {
        Int(try await redis.cli("MEMORY", "USAGE", "frames:queue", "SAMPLES", "0")) ?? 0
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

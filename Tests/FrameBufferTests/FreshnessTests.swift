import FrameTracking
import RedisTesting
import Testing

@testable import FrameBuffer

@Suite("Fresh frames only")
struct FreshnessTests {
    private func counters(_ redis: RedisServer) async throws -> [String] {
        try await redis.cli("HGETALL", "frames:queue:{frames:queue}:counters").split(separator: "\n").map(String.init)
    }

    private func enqueue(_ queue: TestQueue, _ id: String, camera: String = "cam", ageSeconds: Int = 0) async throws {
        let time = Int(WallClock.nanoseconds() / 1_000_000) - 1000 * ageSeconds
        try await queue.enqueue(json: #"{"frame_id":"\#(id)","camera_id":"\#(camera)","timestamp":\#(time)}"#)
    }

    private func latest(_ queue: TestQueue, count: Int = 1, maxAge: Duration? = nil) async throws -> [String?] {
        let selection = FrameSelection(maxAge: maxAge, isLatest: true)
        let frames = try await queue.buffer.dequeue(count: count, of: selection, wait: .zero)
        for frame in frames { await queue.buffer.settle(frame.delivery) }
        return frames.map(\.frameID)
    }

    private func isEmpty(_ queue: TestQueue, _ redis: RedisServer) async throws -> Bool {
        try await eventually {
            let length = try await redis.cli("XLEN", "frames:queue")
            let pending = try await redis.cli("XPENDING", "frames:queue", "workers")
            return length == "0" && pending.hasPrefix("0")
        }
    }

    @Test("Frames older than max_age are settled as expired and counted, by camera too, and the next that isn't comes")
    func maxAge() async throws {
        try await TestQueue.with(capacity: 10_000) { queue, redis in
            for number in 0..<150 {
                try await enqueue(queue, "old\(number)", camera: number < 50 ? "a" : "b", ageSeconds: 3600)
            }
            try await enqueue(queue, "new")
            try await enqueue(queue, "old again", camera: "b", ageSeconds: 3600)
            let selection = FrameSelection(maxAge: .seconds(1800))
            let frames = try await queue.buffer.dequeue(count: 1, of: selection, wait: .seconds(10))
            #expect(frames.map(\.frameID) == ["new"])
            for frame in frames { await queue.buffer.settle(frame.delivery) }
            #expect(try await queue.buffer.dequeue(count: 1, of: selection, wait: .zero).isEmpty)
            #expect(try await isEmpty(queue, redis))
            #expect(try await Set(counters(redis)) == ["expired", "151", "expired a", "50", "expired b", "101"])
            #expect(try await queue.counts() == [0, 0, 0])
        }
    }

    @Test("Who names no age gets what others would have let expire")
    func anyAge() async throws {
        try await TestQueue.with { queue, _ in
            try await enqueue(queue, "old", ageSeconds: 3600)
            #expect(try await queue.dequeue() == ["old"])
        }
    }

    @Test(
        "mode=latest hands out the newest frame of each camera, the longest waiting first, and settles the older ones"
    )
    func newest() async throws {
        try await TestQueue.with(capacity: 10_000) { queue, redis in
            for number in 0..<300 { try await enqueue(queue, "\(number)", camera: "cam\(number % 3)") }
            #expect(try await latest(queue) == ["297"])
            #expect(try await latest(queue, count: 5) == ["298", "299"])
            #expect(try await latest(queue) == [])
            #expect(try await isEmpty(queue, redis))
            let counted = try await Set(counters(redis))
            #expect(counted == ["superseded", "297", "superseded cam0", "99", "superseded cam1", "superseded cam2"])
        }
    }

    @Test("What mode=latest leaves waits on for others, in its place, and it is no failed delivery of it")
    func left() async throws {
        try await TestQueue.with { queue, _ in
            // More often than a frame may fail to reach a caller.
            let cameras = (0..<120).map { "cam\($0)" }
            for camera in cameras { try await enqueue(queue, camera, camera: camera) }
            for camera in cameras.dropLast() { #expect(try await latest(queue) == [camera]) }
            #expect(try await queue.counts() == [1, 0, 0])
            let last = try #require(try await queue.take().first)
            #expect(last.frameID == cameras.last)
            #expect(last.delivery.number == 1)
        }
    }

    @Test("A frame that comes while a poll waits for the newest is handed to it")
    func waiting() async throws {
        try await TestQueue.with { queue, _ in
            let poll = Task {
                try await queue.buffer.dequeue(count: 1, of: FrameSelection(isLatest: true), wait: .seconds(30))
            }
            #expect(try await eventually { await queue.buffer.pollsWaiting == 1 })
            try await enqueue(queue, "a")
            #expect(try await poll.value.map(\.frameID) == ["a"])
        }
    }

    @Test("A frame that another group still wants is kept for it when it is superseded")
    func kept() async throws {
        try await TestQueue.with { queue, redis in
            try await enqueue(queue, "1")
            _ = try await redis.cli("XGROUP", "CREATE", "frames:queue", "others", "0")
            try await enqueue(queue, "2")
            #expect(try await latest(queue) == ["2"])
            #expect(try await eventually { try await queue.counts() == [0, 0, 0] })
            #expect(try await redis.cli("XLEN", "frames:queue") == "2")
        }
    }
}

import NIOCore
import RedisTesting
import Testing

@testable import FrameBuffer

@Suite("The last frame of a camera")
struct LastFramesTests {
    private func frame(_ number: UInt64) -> LastFrames.Frame {
        LastFrames.Frame(id: StreamID(milliseconds: number, sequence: 0), frameID: "\(number)")
    }

    @Test("stays the newest, whatever is noted after it, and is handed over once")
    func newest() {
        var frames = LastFrames()
        for number in [2, 5, 3] as [UInt64] { frames.note(frame(number), of: "a") }
        frames.note(frame(1), of: "b")
        #expect(frames.take().mapValues(\.frameID) == ["a": "5", "b": "1"])
        #expect(frames.take().isEmpty)
    }

    @Test("is noted for a thousand cameras, and for others once those were handed over")
    func bounded() {
        var frames = LastFrames()
        for number in 0..<1100 as Range<UInt64> { frames.note(frame(number), of: "\(number)") }
        frames.note(frame(2000), of: "7")
        #expect(frames.frames.count == 1000)
        #expect(frames.take()["7"]?.frameID == "2000")
        frames.note(frame(1050), of: "1050")
        #expect(frames.take().keys.sorted() == ["1050"])
    }

    // MARK: In Redis

    private func last(_ queue: TestQueue) async throws -> [String: String] {
        try await queue.buffer.detail().cameras.reduce(into: [:]) { $0[$1.id] = $1.last?.frameID }
    }

    @Test(
        "is told at once where it was enqueued, within a second or so elsewhere, and outlives its frame and the service"
    )
    func everywhere() async throws {
        let redis = try await RedisServer()
        let (here, there) = (try TestQueue(redis), try TestQueue(redis))
        defer { there.crash() }
        for number in 1...3 {
            let place = try await here.enqueue(json: #"{"frame_id":"a b\#(number)","camera_id":"cam one"}"#)
            try await here.enqueue(json: #"{"frame_id":"none\#(number)"}"#)
            let camera = try #require(try await here.buffer.detail().cameras.first)
            #expect(camera.id == "cam one" && camera.last?.frameID == "a b\(number)")
            #expect(camera.last?.messageID == place.messageID)
        }
        try await here.enqueue(json: #"{"frame_id":"z","camera_id":"cam2"}"#)
        let expected = ["cam one": "a b3", "cam2": "z"]
        let isKnown = try await eventually { try await last(there) == expected }
        #expect(isKnown)
        here.crash()
        #expect(try await there.buffer.purge() == 7)
        let later = try TestQueue(redis)
        defer { later.crash() }
        #expect(try await last(later) == expected)
    }

    @Test("is that of a batch too, and not that of a frame which was a duplicate")
    func batches() async throws {
        try await TestQueue.with { queue, _ in
            func enqueue(_ ids: [String], _ key: String) async throws {
                let frames = try ids.map {
                    try IncomingFrame.json(ByteBuffer(string: #"{"frame_id":"\#($0)","camera_id":"cam"}"#))
                }
                let caller = Caller(span: nil, broughtContext: false)
                _ = try await queue.buffer.enqueue(frames, by: .key(key), for: caller)
            }
            try await enqueue(["1", "2"], "one")
            try await enqueue(["3", "4"], "two")
            #expect(try await last(queue) == ["cam": "4"])
            try await enqueue(["1", "2"], "one")
            #expect(try await last(queue) == ["cam": "4"])
        }
    }

    @Test("never gives way to an older one that another process tells of later")
    func late() async throws {
        try await TestQueue.with { queue, redis in
            let key = "frames:queue:{frames:queue}:cameras"
            let newer = StreamID(milliseconds: 9_000_000_000_000, sequence: 10)
            try await redis.cli("HSET", key, "cam", "\(newer.padded) newer")
            try await queue.enqueue(json: #"{"frame_id":"older","camera_id":"cam"}"#)
            #expect(try await last(queue) == ["cam": "newer"])
        }
    }

    @Test("is forgotten for the cameras that have been silent for longest, where there are over a thousand")
    func silent() async throws {
        try await TestQueue.with(capacity: 10_000) { queue, _ in
            let caller = Caller(span: nil, broughtContext: false)
            for batch in 0..<3 {
                let frames = try (0..<600).map {
                    try IncomingFrame.json(ByteBuffer(string: #"{"camera_id":"\#(batch) \#($0)"}"#))
                }
                _ = try await queue.buffer.enqueue(frames, for: caller)
                _ = try await queue.buffer.detail()
            }
            let cameras = try await queue.buffer.detail().cameras.map(\.id)
            #expect(cameras.count == 1000)
            #expect(cameras.count { $0.hasPrefix("2 ") } == 600)
            #expect(cameras.count { $0.hasPrefix("1 ") } == 400)
        }
    }

    @Test("is told to a Redis that is out of memory, and later to one that was away")
    func troubled() async throws {
        try await TestQueue.with { queue, redis in
            try await queue.enqueue(json: #"{"frame_id":"1","camera_id":"cam"}"#)
            try await redis.cli("CONFIG", "SET", "maxmemory", "1")
            #expect(try await last(queue) == ["cam": "1"])
            try await redis.cli("CONFIG", "SET", "maxmemory", "0")
            try await queue.enqueue(json: #"{"frame_id":"2","camera_id":"cam"}"#)
            // What is no hash can't take it until it is gone.
            let key = "frames:queue:{frames:queue}:cameras"
            try await redis.cli("SET", key, "x")
            #expect(await failure { _ = try await queue.buffer.detail() } != nil)
            try await redis.cli("DEL", key)
            let isTold = try await eventually { try await last(queue) == ["cam": "2"] }
            #expect(isTold)
        }
    }
}

import RedisTesting
import Testing

@testable import FrameBuffer

@Suite("The detail of a queue")
struct QueueDetailTests {
    private let sidecar = "frames:queue:{frames:queue}:"

    @Test("has each lease under its holder's label, in the order of their ends, with what tells its frame")
    func leases() async throws {
        try await TestQueue.with { queue, redis in
            let traceID = "0af7651916cd43dd8448eb211c80319c"
            let traceparent = "00-\(traceID)-b7ad6b7169203331-01"
            var places: [StreamID] = []
            for id in ["a", "b\nb", "c", "d"] {
                // A stranger's frame id may be anything.
                let place = try await redis.cli(
                    "XADD",
                    "frames:queue",
                    "*",
                    "frame_id",
                    id,
                    "_traceparent",
                    traceparent
                )
                places.append(try #require(StreamID(place)))
            }
            _ = try await queue.lease(for: .seconds(300), holder: "left")
            let returned = try #require(try await queue.lease(for: .seconds(100), holder: "right side").first)
            _ = try await queue.lease(for: .seconds(200), holder: "left")
            let inHand = try await queue.take()
            #expect(inHand.count == 1)
            #expect(try await queue.settle(returned, .nack(delay: .seconds(400), reason: "too dark")) == Settled(1))

            let detail = try await queue.buffer.detail()
            #expect(detail.leases == 3 && detail.leasesListed == 3)
            #expect(try await queue.buffer.size().leased == 4)
            #expect(detail.consumers.map(\.label) == ["left", "right side"])
            let (left, right) = (detail.consumers[0].leases, detail.consumers[1].leases)
            #expect(left.map(\.messageID) == [places[2], places[0]])
            #expect(left.map(\.frameID) == ["c", "a"])
            #expect(right.map(\.messageID) == [places[1]] && right.map(\.frameID) == ["b\nb"])
            #expect(left.allSatisfy { $0.deliveries == 1 && $0.traceID == traceID && !$0.isNacked && $0.reason == nil })
            #expect((150_000...200_000).contains(left[0].expiresIn) && (250_000...300_000).contains(left[1].expiresIn))
            #expect(right[0].isNacked && right[0].reason == "too dark" && right[0].deliveries == 1)
            #expect((350_000...400_000).contains(right[0].expiresIn))
        }
    }

    @Test("lists a thousand leases, those that end first, and says how many there are")
    func manyLeases() async throws {
        try await TestQueue.with(capacity: 2000) { queue, _ in
            for number in 0..<1050 { try await queue.enqueue("\(number)") }
            var count = 0
            while count < 1050 {
                // The later its lease is given, the sooner it ends.
                let frames = try await queue.lease(count: 50, for: .seconds(3000 - count), holder: "\(count / 600)")
                try #require(!frames.isEmpty)
                count += frames.count
            }
            let detail = try await queue.buffer.detail()
            #expect(detail.leases == 1050 && detail.leasesListed == 1000)
            #expect(detail.consumers.map(\.label) == ["1", "0"])
            let ends = detail.consumers.flatMap { $0.leases.map(\.expiresIn) }
            #expect(ends == ends.sorted())
            #expect(Set(detail.consumers.flatMap { $0.leases.map(\.messageID) }).count == 1000)
            #expect(try await queue.buffer.size().leased == 1050)
        }
    }

    @Test("has a lease without what is known of it, where others deleted that")
    func forgotten() async throws {
        try await TestQueue.with { queue, redis in
            let place = try await queue.enqueue("a")
            _ = try await queue.lease()
            try await redis.cli("DEL", sidecar + "held")
            let consumer = try #require(try await queue.buffer.detail().consumers.first)
            #expect(consumer.label == nil)
            #expect(consumer.leases.map(\.messageID) == [place.messageID])
            #expect(consumer.leases.allSatisfy { $0.frameID == nil && $0.deliveries == nil && $0.traceID == nil })
        }
    }

    @Test("has all groups on the stream, with a lag where Redis knows it")
    func groups() async throws {
        try await TestQueue.with { queue, redis in
            var places: [StreamID] = []
            for number in 0..<5 { places.append(try await queue.enqueue("\(number)").messageID) }
            try await redis.cli("XGROUP", "CREATE", "frames:queue", "audit", "0")
            try await redis.cli("XREADGROUP", "GROUP", "audit", "me", "COUNT", "2", "STREAMS", "frames:queue", ">")
            _ = try await queue.lease()
            var groups = try await queue.buffer.detail().groups
            #expect(groups.map(\.name) == ["audit", "workers"])
            #expect(groups.map(\.pending) == [2, 1])
            #expect(groups.map(\.lastDeliveredID) == ["\(places[1])", "\(places[0])"])
            #expect(groups.map(\.lag) == [3, 4])
            #expect(groups[0].consumers == 1 && groups[1].consumers >= 1)
            // Redis can't tell the lag of who has not read what was deleted.
            try await redis.cli("XDEL", "frames:queue", "\(places[3])")
            groups = try await queue.buffer.detail().groups
            #expect(groups.map(\.lag) == [nil, nil])
        }
    }

    @Test("has what was counted, in all and of each camera, and 0 for what never was")
    func counters() async throws {
        try await TestQueue.with { queue, redis in
            var detail = try await queue.buffer.detail()
            #expect(detail.trimmed == 0 && detail.losses.dropped == 0 && detail.losses.superseded == 0)
            try await queue.enqueue(json: #"{"frame_id":"a","camera_id":"cam 1"}"#)
            try await redis.cli(
                "HSET",
                sidecar + "counters",
                "trimmed",
                "2",
                "dropped",
                "6",
                "expired",
                "5",
                "dropped cam 1",
                "3",
                "dropped cam2",
                "2",
                "dropped ",
                "1",
                "expired cam 1",
                "5",
                "last-delivered-id",
                "5-0"
            )
            detail = try await queue.buffer.detail()
            #expect(detail.trimmed == 2)
            #expect([detail.losses.dropped, detail.losses.expired, detail.losses.superseded] == [6, 5, 0])
            #expect(detail.cameras.map(\.id) == ["cam 1", "cam2"])
            #expect(detail.cameras.map { $0.last?.frameID } == ["a", nil])
            #expect(detail.cameras.map(\.losses.dropped) == [3, 2])
            #expect(detail.cameras.map(\.losses.expired) == [5, 0])
        }
    }

    @Test("is empty without a stream, and has no leases without the group")
    func nothing() async throws {
        let redis = try await RedisServer()
        // Nobody makes the group.
        let queue = try TestQueue(redis, keepsHouse: false)
        defer { queue.crash() }
        for _ in 0..<2 {
            let detail = try await queue.buffer.detail()
            #expect(detail.groups.isEmpty && detail.consumers.isEmpty && detail.cameras.isEmpty && detail.leases == 0)
            try await redis.cli("ZADD", sidecar + "lease", "9000000000000", "00000000000000000001-00000000000000000000")
        }
        try await redis.cli("XADD", "frames:queue", "1-0", "a", "b")
        #expect(try await queue.buffer.detail().leases == 0)
        try await redis.cli("XGROUP", "CREATE", "frames:queue", "workers", "0")
        #expect(try await queue.buffer.detail().leases == 1)
    }
}

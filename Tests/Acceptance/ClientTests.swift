import FrameBufferClient
import NIOCore
import RedisTesting
import Testing

@Suite("The client for Swift programs")
struct ClientTests {
    private func jpeg(_ text: String) -> ByteBuffer { ByteBuffer(string: text) }

    @Test("leases frames in either form, and acknowledges, hands back, extends and rejects them")
    func leases() async throws {
        try await withService { service, _ in
            let client = FrameBufferClient(url: service.url)
            for id in ["ä 1", "2", "3"] {
                try await client.enqueue(data: jpeg(id), contentType: "image/jpeg", cameraID: "cam", frameID: id)
            }
            let first = try #require(try await client.dequeue(lease: .seconds(60), consumer: "me"))
            #expect(first.frame.frameID == "ä 1" && first.frame.cameraID == "cam")
            #expect(first.frame.content == .payload(jpeg("ä 1"), contentType: "image/jpeg"))
            #expect(first.duration == .seconds(60) && first.receipt.hasPrefix(first.frame.messageID + "."))
            #expect(try await service.get("/queue").json()["consumers"]?[0]?["consumer"] == .string("me"))
            let second = try #require(try await client.dequeue(lease: .seconds(60), as: .fields))
            #expect(second.frame.frameID == "2" && second.frame.deliveries == 1)
            guard case .fields(let json) = second.frame.content else {
                Issue.record("fields were asked for")
                return
            }
            #expect(try JSON(Array(json.readableBytesView))["frame"]?["data"] == .string("2"))
            let third = try #require(try await client.dequeue(lease: .seconds(60)))
            #expect(try await client.dequeue(wait: .zero, lease: .seconds(60)) == nil)
            #expect(try await client.dequeue(wait: .zero, as: .fields) == nil)

            #expect(try await client.extend([first.receipt, third.receipt], lease: .seconds(600)).settled == 2)
            let ack = try await client.ack([first.receipt])
            #expect(ack.settled == 1 && ack.stale == [])
            let again = try await client.ack([first.receipt])
            #expect(again.settled == 0 && again.stale == [])
            #expect(try await client.nack([second.receipt], reason: "too dark").settled == 1)
            #expect(try await client.reject([third.receipt], reason: "broken \"picture\"").settled == 1)
            let redelivered = try #require(try await client.dequeue(lease: .seconds(60), as: .fields))
            #expect(redelivered.frame.frameID == "2" && redelivered.frame.deliveries == 2)
            // One of them, and all of them.
            let mixed = try await client.ack([second.receipt, redelivered.receipt])
            #expect(mixed.settled == 1 && mixed.stale == [second.receipt])
            let stale = try await client.nack([second.receipt], delay: .seconds(5))
            #expect(stale.settled == 0 && stale.stale == [second.receipt])
            #expect(try await client.deadLetters().letters.map(\.reason) == ["broken \"picture\""])
            await #expect(throws: FrameBufferError.self) { try await client.ack(["nonsense"]) }
        }
    }

    @Test("enqueues several frames at once, and what is sent again under its key only once")
    func batches() async throws {
        try await withService { service, _ in
            let client = FrameBufferClient(url: service.url)
            let frames = ["1", "2"].map { ByteBuffer(string: #"{"frame_id":"\#($0)","n":1.10}"#) }
            let first = try await client.enqueue(batch: frames, idempotencyKey: "a key")
            #expect(first.map(\.frameID) == ["1", "2"] && first.map(\.queueSize) == [2, 2])
            #expect(first.allSatisfy { !$0.isDuplicate && $0.traceID != nil })
            let again = try await client.enqueue(batch: frames, idempotencyKey: "a key")
            #expect(again.map(\.messageID) == first.map(\.messageID) && again.allSatisfy(\.isDuplicate))
            for isDuplicate in [false, true] {
                let frame = try await client.enqueue(
                    data: jpeg("x"),
                    contentType: "image/jpeg",
                    frameID: "3",
                    idempotencyKey: "another"
                )
                #expect(frame.isDuplicate == isDuplicate && frame.frameID == "3")
            }
            #expect(try await client.queueSize().waiting == 3)
            let broken = frames + [ByteBuffer(string: "{")]
            await #expect(throws: FrameBufferError.self) { try await client.enqueue(batch: broken) }
            #expect(try await client.queueSize().waiting == 3)
            #expect(try await client.dequeue()?.frameID == "1")
        }
    }

    @Test("lists dead letters in pages, and redrives or deletes some or all of them")
    func deadLetters() async throws {
        try await withService { service, _ in
            let client = FrameBufferClient(url: service.url)
            for number in 0..<4 {
                let json = ByteBuffer(string: #"{"frame_id":"\#(number)","camera_id":"cam"}"#)
                let enqueued = try await client.enqueue(data: json, contentType: "application/json")
                let leased = try #require(try await client.dequeue(lease: .seconds(60)))
                try await client.reject([leased.receipt])
                let letter = try #require(try await client.deadLetters(count: 9).letters.last)
                #expect(letter.frameID == "\(number)" && letter.cameraID == "cam" && letter.reason == "rejected")
                #expect(letter.originalMessageID == enqueued.messageID && letter.traceID == enqueued.traceID)
            }
            let page = try await client.deadLetters(count: 3)
            #expect(page.letters.map(\.frameID) == ["0", "1", "2"])
            let rest = try await client.deadLetters(after: page.next, count: 3)
            #expect(rest.letters.map(\.frameID) == ["3"] && rest.next == nil)
            let ids = page.letters.map(\.messageID)
            #expect(try await client.redrive(.only([ids[1], "1-1"])) == 1)
            #expect(try await client.deleteDeadLetters(.only([ids[0]])) == 1)
            #expect(try await client.redrive(.all) == 2)
            #expect(try await client.deleteDeadLetters(.all) == 0)
            #expect(try await client.queueSize().waiting == 3)
        }
    }

    @Test("takes frames that other clients wrote, without an id for instance")
    func foreign() async throws {
        try await withService { service, redis in
            let client = FrameBufferClient(url: service.url)
            try await redis.cli("XADD", "frames:queue", "*", "n", "1")
            try await redis.cli("XADD", "frames:queue", "*", "data", "x")
            let fields = try #require(try await client.dequeue())
            #expect(fields.frameID == nil && fields.traceID != nil)
            let payload = try #require(try await client.dequeue())
            #expect(payload.frameID == nil)
            #expect(payload.content == .payload(jpeg("x"), contentType: "application/octet-stream"))
        }
    }

    @Test("ends its call when it is cancelled, and no frame is lost")
    func cancelled() async throws {
        try await withService { service, _ in
            let client = FrameBufferClient(url: service.url)
            let poll = Task { try await client.dequeue(wait: .seconds(60), lease: .seconds(60)) }
            #expect(try await eventually { try await service.get("/health").status == 200 })
            poll.cancel()
            await #expect(throws: CancellationError.self) { try await poll.value }
            try await service.add("a")
            #expect(try await client.dequeue(wait: .seconds(10), lease: .seconds(60))?.frame.frameID == "a")
        }
    }
}

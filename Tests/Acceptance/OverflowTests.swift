import RedisTesting
import Testing

@Suite("A full queue")
struct OverflowTests {
    @Test("that drops the oldest takes every frame, and the trace of a dropped one ends with a span that says so")
    func dropOldest() async throws {
        let traced = try await TracedService([
            "FRAMEBUFFER_OVERFLOW": "drop-oldest", "FRAMEBUFFER_CAPACITY_FRAMES": "2",
        ])
        let service = traced.service
        for id in ["f1", "f2", "f3"] {
            let reply = try await service.enqueue(#"{"frame_id":"\#(id)","camera_id":"cam01"}"#)
            #expect(reply.status == 200, "\(reply.text)")
        }
        #expect(try await service.dequeue()?["frame_id"] == .string("f2"))
        let spans = try await traced.finish()
        let span = try spans.only(.internal, frame: "f1", name: "drop frames:queue")
        let enqueued = try spans.only(.producer, frame: "f1")
        #expect(span.traceID == enqueued.traceID)
        #expect(span.parentID == enqueued.spanID)
        #expect(span.attributes["camera.id"] == "cam01")
        #expect(span.events.map(\.name) == ["frame_buffer_drop"])
        #expect(!spans.contains { $0.name == "drop frames:queue" && $0.attributes["frame.id"] != "f1" })
    }

    @Test("that drops the oldest refuses where all of them are leased, in one batch too")
    func leased() async throws {
        try await withService(["FRAMEBUFFER_OVERFLOW": "drop-oldest", "FRAMEBUFFER_CAPACITY_FRAMES": "2"]) {
            service,
            _ in
            for id in ["f1", "f2"] { try await service.add(id) }
            let leased = try await service.get("/dequeue?count=2&lease=60s")
            #expect(leased.status == 200)
            let one = try await service.enqueue(#"{"frame_id":"f3"}"#)
            let batch = try await service.enqueue(#"[{"frame_id":"f3"},{"frame_id":"f4"}]"#)
            for reply in [one, batch] {
                _ = try reply.expectProblem(429)
                #expect(reply.header("Retry-After") != nil)
            }
        }
    }

    @Test("in bytes is 429 and degraded health as one in frames is, and says how many; a frame that never fits is 413")
    func bytes() async throws {
        try await withService(["FRAMEBUFFER_CAPACITY_BYTES": "1MiB"]) { service, redis in
            let payload = Array(repeating: UInt8(ascii: "x"), count: 100_000)
            let headers = [("Content-Type", "image/jpeg")]
            var replies: [Reply] = []
            while replies.last?.status ?? 200 == 200, replies.count < 20 {
                replies.append(try await service.call("POST", "/enqueue", headers: headers, body: payload))
            }
            #expect((9...11).contains(replies.count))
            let last = try #require(replies.last)
            let problem = try last.expectProblem(429)
            #expect(problem["detail"]?.string?.contains("1048576 bytes") == true)
            #expect(last.header("Retry-After") != nil)
            let size = try await service.get("/queue/size").json()
            #expect(size["capacity_bytes"]?.integer == 1 << 20)
            #expect((size["bytes"]?.integer ?? 0) <= 1 << 20)
            let isDegraded = try await eventually {
                try await service.get("/health").json()["checks"]?["queue"]?["status"] == .string("degraded")
            }
            #expect(isDegraded)
            let large = Array(repeating: UInt8(ascii: "x"), count: 2 << 20)
            try await service.call("POST", "/enqueue", headers: headers, body: large).expectProblem(413)
            #expect(try await service.dequeue() != nil)
            let hasRoom = try await eventually {
                try await service.call("POST", "/enqueue", headers: headers, body: payload).status == 200
            }
            #expect(hasRoom)
        }
    }
}

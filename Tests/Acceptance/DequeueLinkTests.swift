import RedisTesting
import Testing

/// `FRAMEBUFFER_TRACE_DEQUEUE=link`: a worker's turn is one trace, linked to those of its frames.
@Suite("The trace of a worker that is linked to its frames")
struct DequeueLinkTests {
    private static let link = ["FRAMEBUFFER_TRACE_DEQUEUE": "link"]
    private static let worker = "00-11111111111111111111111111111111-2222222222222222-01"

    @Test(
        "A dequeue is a CONSUMER span under the worker's, with a link to the frame's context, and the reply goes on with it"
    )
    func single() async throws {
        let traced = try await TracedService(Self.link)
        _ = try await traced.service.enqueue(
            #"{"frame_id":"f1"}"#,
            headers: [("traceparent", TraceTests.traceparent), ("tracestate", "frame=1"), ("baggage", "a=1")]
        )
        let reply = try await traced.service.get(
            "/dequeue",
            headers: [("traceparent", Self.worker), ("tracestate", "worker=1"), ("baggage", "w=1")]
        )
        let answer = try reply.json()
        let spans = try await traced.finish()
        let producer = try spans.only(.producer, frame: "f1")
        let consumer = try spans.only(.consumer, frame: "f1")
        let server = try spans.only(.server, name: "GET /dequeue")
        #expect(producer.traceID == TraceTests.trace)
        #expect(server.traceID == "11111111111111111111111111111111")
        #expect(consumer.traceID == server.traceID)
        #expect(consumer.parentID == server.spanID)
        #expect(consumer.links == [producer.link])
        #expect(consumer.traceState == "worker=1")
        #expect(consumer.attributes["frame.deliveries"] == 1)
        #expect(answer["trace_id"] == .string(consumer.traceID))
        #expect(answer["frame"]?["_traceparent"] == .string(consumer.traceparent))
        #expect(answer["frame"]?["_tracestate"] == .string("worker=1"))
        // The worker has its own already.
        #expect(answer["frame"]?["_baggage"] == .string("a=1"))
        #expect(reply.header("traceparent") == consumer.traceparent)
    }

    @Test("Several frames are one trace, with a span and a link for each; one without context has no link")
    func several() async throws {
        let traced = try await TracedService(Self.link)
        try await traced.service.post("f1", "f2")
        try await traced.redis.cli("XADD", "frames:queue", "*", "frame_id", "f3", "_traceparent", "garbage")
        let reply = try await traced.service.get("/dequeue?count=10")
        let answer = try reply.json()
        let spans = try await traced.finish()
        let server = try spans.only(.server, name: "GET /dequeue")
        #expect(server.attributes["messaging.batch.message_count"] == 3)
        #expect(reply.header("traceparent") == server.traceparent)
        for (index, frame) in ["f1", "f2", "f3"].enumerated() {
            let consumer = try spans.only(.consumer, frame: frame)
            #expect(consumer.traceID == server.traceID)
            #expect(consumer.parentID == server.spanID)
            #expect(consumer.links == (index < 2 ? [try spans.only(.producer, frame: frame).link] : []))
            #expect(answer["frames"]?[index]?["trace_id"] == .string(server.traceID))
            #expect(answer["frames"]?[index]?["frame"]?["_traceparent"] == .string(consumer.traceparent))
        }
    }

    @Test("What ends a frame stays in its own trace")
    func ends() async throws {
        let traced = try await TracedService(Self.link)
        try await traced.service.post("f1")
        let lease = try #require(try await traced.service.lease("60s"))
        #expect(try await traced.service.settle("/reject", lease).settled == 1)
        let spans = try await traced.finish()
        let producer = try spans.only(.producer, frame: "f1")
        #expect(try spans.only(.internal, frame: "f1", name: "dead-letter frames:queue").traceID == producer.traceID)
        #expect(try spans.only(.client, name: "reject frames:queue").links == [producer.link])
    }

    @Test("With OTEL_SDK_DISABLED=true there is nothing to link, and the frame's context goes on")
    func disabled() async throws {
        let traced = try await TracedService(Self.link.merging(["OTEL_SDK_DISABLED": "true"]) { $1 })
        let headers = [("traceparent", TraceTests.traceparent)]
        _ = try await traced.service.enqueue(#"{"frame_id":"f1"}"#, headers: headers)
        let reply = try await traced.service.get("/dequeue", headers: [("traceparent", Self.worker)])
        #expect(try reply.json()["trace_id"] == .string(TraceTests.trace))
        #expect(try reply.json()["frame"]?["_traceparent"] == .string(TraceTests.traceparent))
        #expect(reply.header("traceparent") == TraceTests.traceparent)
        _ = try await traced.finish()
    }
}

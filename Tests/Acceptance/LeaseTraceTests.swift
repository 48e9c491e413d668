import RedisTesting
import Testing

@Suite("The trace of a leased frame")
struct LeaseTraceTests {
    @Test("Each settlement is a CLIENT span under its request's, linked to the frames that it settled")
    func settlements() async throws {
        let traced = try await TracedService()
        let service = traced.service
        try await service.post("f1", "f2")
        let frames = try await service.leaseAll(2)
        #expect(frames.count == 2)
        let stale = "5-5.0123456789abcdef"
        #expect(try await service.settle("/extend", frames.map(\.receipt), #""lease":"60s""#).settled == 2)
        #expect(try await service.settle("/nack", [frames[0].receipt, stale]).settled == 1)
        #expect(try await service.settle("/reject", [frames[1].receipt], #""reason":"no face""#).settled == 1)
        let again = try await service.lease("60s")
        #expect(try await service.settle("/ack", again) == SettlingAnswer(200, settled: 1))
        let spans = try await traced.finish()
        let enqueued = try ["f1", "f2"].map { try spans.only(.producer, frame: $0) }
        for (name, links) in [
            ("extend", enqueued), ("nack", [enqueued[0]]), ("reject", [enqueued[1]]), ("ack", [enqueued[0]]),
        ] {
            let span = try spans.only(.client, name: "\(name) frames:queue")
            let request = try spans.only(.server, name: "POST /\(name)")
            #expect(span.traceID == request.traceID)
            #expect(span.parentID == request.spanID)
            #expect(span.links == links.map(\.link))
            #expect(span.status == .unset)
            #expect(span.attributes["messaging.operation.name"] == .string(name))
            #expect(span.attributes["messaging.operation.type"] == "settle")
            #expect(span.attributes["messaging.system"] == "redis")
            #expect(span.attributes["queue.name"] == "frames:queue")
            #expect(span.attributes["messaging.batch.message_count"] == .int(links.count))
            #expect(span.attributes["frame.id"] == (links.count == 1 ? links[0].attributes["frame.id"] : nil))
        }
    }

    @Test("It ends with a span that says why the frame is dead, in its own trace")
    func dead() async throws {
        let traced = try await TracedService(["FRAMEBUFFER_MAX_DELIVERIES": "1"])
        let service = traced.service
        try await service.post("lapses")
        #expect(try await service.get("/dequeue?lease=1s&consumer=worker-7").status == 200)
        try await traced.redis.cli("XADD", "frames:queue", "*", "frame_id", "broken", "_json", "n", "n", "notjson")
        #expect(try await service.lease(wait: "300ms") == nil)
        #expect(try await service.comesTo(Counts(dead: 2)))
        let spans = try await traced.finish()
        let name = "dead-letter frames:queue"
        let span = try spans.only(.internal, frame: "lapses", name: name)
        let enqueued = try spans.only(.producer, frame: "lapses")
        #expect(span.traceID == enqueued.traceID)
        #expect(span.parentID == enqueued.spanID)
        #expect(span.events.map(\.name) == ["frame_buffer_dead_letter"])
        #expect(span.attributes["frame.dead_reason"] == "lease_expired")
        #expect(span.status == .error)
        #expect(span.attributes["error.type"] == "lease_expired")
        #expect(span.attributes["frame.deliveries"] == 1)
        let dequeued = try spans.only(.consumer, frame: "lapses")
        #expect(dequeued.attributes["messaging.client.id"] == "worker-7")
        let broken = try spans.only(.internal, frame: "broken", name: name)
        #expect(broken.attributes["error.type"] == "unservable")
        #expect(broken.attributes["frame.dead_reason"] == .string(broken.statusMessage))
    }
}

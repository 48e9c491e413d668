import RedisTesting
import Testing

/// How the traces of frames end that nobody dequeues, or that come back.
@Suite("The trace of a frame that is taken out of the queue, or put back into it")
struct TraceEndsTests {
    @Test(
        "A deleted frame ends with a span of its own, linked to the request, wherever it was",
        arguments: ["workqueue", "stream"]
    )
    func deleted(retention: String) async throws {
        let traced = try await TracedService(["FRAMEBUFFER_RETENTION": retention])
        let service = traced.service
        try await service.post("leased", "stays")
        let waiting = try await service.enqueue(
            #"{"frame_id":"waiting","camera_id":"cam01"}"#,
            headers: [("traceparent", TraceTests.traceparent), ("tracestate", "v=1")]
        )
        let leased = try #require(try await service.lease("60s"))
        let waitingID = try #require(try waiting.json()["message_id"]?.string)
        for id in [leased.messageID, waitingID] {
            #expect(try await service.call("DELETE", "/frames/\(id)").json() == .object(["deleted": .number("1")]))
            #expect(try await service.call("DELETE", "/frames/\(id)").status == 404)
        }
        #expect(try await service.dequeue()?["frame_id"] == .string("stays"))
        let spans = try await traced.finish()
        #expect(spans.count { $0.name == "delete frames:queue" } == 2)
        for frame in ["leased", "waiting"] {
            let span = try spans.only(.internal, frame: frame, name: "delete frames:queue")
            let enqueued = try spans.only(.producer, frame: frame)
            #expect(span.traceID == enqueued.traceID)
            #expect(span.parentID == enqueued.spanID)
            #expect(span.traceState == enqueued.traceState)
            #expect(span.events.map(\.name) == ["frame_buffer_delete"])
            #expect(span.attributes["queue.name"] == "frames:queue")
            #expect(span.attributes["camera.id"] == enqueued.attributes["camera.id"])
            #expect(span.attributes["messaging.message.id"] == enqueued.attributes["messaging.message.id"])
            #expect(span.status == .unset)
            let link = try #require(span.links.first)
            let server = try spans.only(.server, spanID: link.spanID, name: "DELETE /frames/{message_id}")
            #expect(span.links == [server.link])
            #expect(server.attributes["http.response.status_code"] == 200)
        }
    }

    @Test("A purge is one span under its request's, with how many it deleted", arguments: ["workqueue", "stream"])
    func purged(retention: String) async throws {
        let traced = try await TracedService(["FRAMEBUFFER_RETENTION": retention])
        let service = traced.service
        try await service.post("f1", "f2", "f3")
        _ = try await service.lease("60s")
        #expect(try await service.call("DELETE", "/frames").json() == .object(["deleted": .number("3")]))
        let empty = try await service.call("DELETE", "/frames", headers: [("traceparent", TraceTests.traceparent)])
        #expect(try empty.json() == .object(["deleted": .number("0")]))
        let spans = try await traced.finish()
        let servers = spans.filter { $0.name == "DELETE /frames" }
        let purges = spans.filter { $0.name == "purge frames:queue" }
        #expect(servers.count == 2 && purges.count == 2)
        for (count, isTraced) in [(3, false), (0, true)] {
            let server = try #require(servers.first { ($0.traceID == TraceTests.trace) == isTraced })
            let purge = try #require(purges.first { $0.parentID == server.spanID })
            #expect(purge.kind == .client)
            #expect(purge.traceID == server.traceID)
            #expect(purge.events.map(\.name) == ["frame_buffer_purge"])
            #expect(purge.attributes["messaging.batch.message_count"] == .int(count))
            #expect(purge.attributes["messaging.operation.name"] == "purge")
            #expect(purge.attributes["messaging.system"] == "redis")
            #expect(purge.attributes["queue.name"] == "frames:queue")
            #expect(purge.status == .unset)
        }
    }

    @Test("A purge that fails says why")
    func failedPurge() async throws {
        let traced = try await TracedService()
        try await traced.redis.cli("SET", "frames:queue", "x")
        #expect(try await traced.service.call("DELETE", "/frames").status == 503)
        let spans = try await traced.finish()
        let purge = try spans.only(.client, name: "purge frames:queue")
        #expect(purge.status == .error)
        #expect(purge.attributes["error.type"] == "redis.wrongType")
        #expect(purge.attributes["messaging.batch.message_count"] == nil)
    }

    @Test("A dead frame's last span is an error, of a kind; redriven, its trace goes on with a span that says so")
    func redriven() async throws {
        let traced = try await TracedService()
        let service = traced.service
        try await service.post("f1", "f2")
        for (index, reason) in [#""reason":"no face""#, #""reason":"too dark""#].enumerated() {
            let lease = try #require(try await service.lease("60s"))
            #expect(lease.frameID == "f\(index + 1)")
            #expect(try await service.settle("/reject", [lease.receipt], reason).settled == 1)
        }
        let letters = try await service.get("/dead-letters").json()["dead_letters"]
        let first = try #require(letters?[0]?["message_id"]?.string)
        let body = #"{"message_ids":["\#(first)"]}"#
        for body in [body, ""] {
            let reply = try await service.call("POST", "/dead-letters/redrive", body: Array(body.utf8))
            #expect(try reply.json() == .object(["redriven": .number("1")]), "\(reply.text)")
        }
        var replies: [JSON] = []
        for _ in 1...2 { replies.append(try await service.get("/dequeue").json()) }
        let spans = try await traced.finish()
        for (index, frame) in ["f1", "f2"].enumerated() {
            let enqueued = try spans.only(.producer, frame: frame)
            let dead = try spans.only(.internal, frame: frame, name: "dead-letter frames:queue")
            #expect(dead.parentID == enqueued.spanID)
            #expect(dead.status == .error)
            #expect(dead.statusMessage == (index == 0 ? "no face" : "too dark"))
            #expect(dead.attributes["error.type"] == "rejected")
            let redriven = try spans.only(.internal, frame: frame, name: "redrive frames:queue")
            #expect(redriven.traceID == enqueued.traceID)
            #expect(redriven.parentID == enqueued.spanID)
            #expect(redriven.events.map(\.name) == ["frame_buffer_redrive"])
            #expect(redriven.links.count == 1)
            let server = try spans.only(.server, spanID: redriven.links.first?.spanID)
            #expect(server.name == "POST /dead-letters/redrive")
            #expect(replies[index]["trace_id"] == .string(enqueued.traceID))
            let id = try #require(replies[index]["message_id"]?.string)
            #expect(redriven.attributes["messaging.message.id"] == .string(id))
            #expect(redriven.attributes["messaging.message.id"] != enqueued.attributes["messaging.message.id"])
        }
    }
}

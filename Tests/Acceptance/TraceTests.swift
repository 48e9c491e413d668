import RedisTesting
import Testing

/// The spans of a frame's way, as a receiver that knows only OTLP gets them.
@Suite("The trace of a frame")
struct TraceTests {
    static let trace = "0af7651916cd43dd8448eb211c80319c"
    static let caller = "b7ad6b7169203331"
    static let traceparent = "00-\(trace)-\(caller)-01"

    // MARK: On its way in

    @Test("An enqueue is a SERVER span under its caller, and a PRODUCER span under that, whose context the entry holds")
    func enqueueSpans() async throws {
        let traced = try await TracedService()
        let reply = try await traced.service.enqueue(
            #"{"frame_id":"f1","camera_id":"cam01","data":"twelve bytes","note":"x"}"#,
            headers: [("traceparent", Self.traceparent), ("User-Agent", "a test")]
        )
        let answer = try reply.json()
        let entry = try await traced.lastEntry()
        let spans = try await traced.finish()
        #expect(spans.count == 2)

        let server = try spans.only(.server)
        #expect(server.name == "POST /enqueue")
        #expect(server.traceID == Self.trace)
        #expect(server.parentID == Self.caller)
        #expect(server.hasRemoteParent)
        #expect(server.status == .unset)
        #expect(server.resource["service.name"] == "frame-buffer")
        expect(
            server,
            [
                "http.request.method": "POST", "http.route": "/enqueue", "http.response.status_code": 200,
                "url.path": "/enqueue", "url.scheme": "http", "user_agent.original": "a test",
                "server.address": "127.0.0.1", "server.port": .int(traced.service.port), "client.address": "127.0.0.1",
                "network.peer.address": "127.0.0.1", "network.protocol.version": "1.1",
            ]
        )

        let producer = try spans.only(.producer)
        #expect(producer.name == "enqueue frames:queue")
        #expect(producer.traceID == Self.trace)
        #expect(producer.parentID == server.spanID)
        #expect(!producer.hasRemoteParent)
        #expect(producer.links == [])
        #expect(producer.status == .unset)
        #expect(producer.start >= server.start && producer.end <= server.end)
        #expect(producer.events.map(\.name) == ["frame_buffer_enqueue"])
        expect(
            producer,
            [
                "frame.id": "f1", "camera.id": "cam01", "frame.size": 12,
                "queue.name": "frames:queue", "buffer.size": 1,
                "messaging.system": "redis", "messaging.operation.type": "send",
                "messaging.destination.name": "frames:queue",
                "messaging.message.id": .string(try #require(answer["message_id"]?.string)),
            ]
        )
        #expect(producer.attributes["messaging.operation.name"] == "enqueue")
        // Where Redis is; the service's own address is its SERVER spans'.
        let redis = try #require(producer.attributes["server.address"]?.string)
        #expect(traced.redis.url.contains(redis))
        #expect((server.attributes["network.peer.port"]?.int ?? 0) > 0)
        #expect(server.attributes["error.type"] == nil && producer.attributes["error.type"] == nil)

        #expect(answer["trace_id"] == .string(Self.trace))
        #expect(reply.header("traceparent") == producer.traceparent)
        #expect(entry["_traceparent"] == producer.traceparent)
    }

    @Test("Without a caller's context the request begins a trace, which is the frame's")
    func newTrace() async throws {
        let traced = try await TracedService(["OTEL_SERVICE_NAME": "cameras"])
        let reply = try await traced.service.enqueue(#"{"frame_id":"f1"}"#)
        let spans = try await traced.finish()
        let server = try spans.only(.server)
        let producer = try spans.only(.producer)
        #expect(server.parentID == "")
        #expect(producer.parentID == server.spanID)
        #expect(producer.traceID == server.traceID)
        #expect(try reply.json()["trace_id"] == .string(producer.traceID))
        #expect(reply.header("traceparent") == producer.traceparent)
        #expect(producer.attributes["camera.id"] == nil)
        #expect(producer.resource["service.name"] == "cameras")
    }

    // MARK: On its way out

    @Test("A dequeue is a CONSUMER span under the frame's PRODUCER span, with a link to the worker's span")
    func dequeueSpans() async throws {
        let traced = try await TracedService()
        let enqueued = try await traced.service.enqueue(
            #"{"frame_id":"f1","camera_id":"cam01","data":"twelve bytes"}"#,
            headers: [("traceparent", Self.traceparent)]
        )
        _ = try await traced.service.enqueue(#"{"frame_id":"f2"}"#)
        let workers = "00-11111111111111111111111111111111-2222222222222222-01"
        let reply = try await traced.service.get("/dequeue", headers: [("traceparent", workers)])
        let answer = try reply.json()
        let spans = try await traced.finish()

        let producer = try spans.only(.producer, frame: "f1")
        let consumer = try spans.only(.consumer)
        let server = try spans.only(.server, name: "GET /dequeue")
        #expect(consumer.name == "dequeue frames:queue")
        #expect(consumer.traceID == Self.trace)
        #expect(consumer.parentID == producer.spanID)
        #expect(consumer.links == [server.link])
        #expect(consumer.status == .unset)
        #expect(consumer.start >= producer.end)
        #expect(consumer.events.map(\.name) == ["frame_buffer_dequeue"])
        let age = try #require(answer["age_ms"]?.integer)
        expect(
            consumer,
            [
                "frame.id": "f1", "camera.id": "cam01", "frame.size": 12, "queue.name": "frames:queue",
                // The frame itself and the one behind it.
                "buffer.size": 2,
                "frame.age_ms": .int(age), "frame.deliveries": 1,
                "messaging.system": "redis", "messaging.operation.type": "receive",
                "messaging.destination.name": "frames:queue",
                "messaging.message.id": .string(try #require(try enqueued.json()["message_id"]?.string)),
            ]
        )
        #expect(consumer.attributes["messaging.operation.name"] == "dequeue")
        #expect(consumer.attributes["messaging.consumer.group.name"] == "workers")
        #expect(consumer.attributes["server.address"] == producer.attributes["server.address"])

        #expect(server.traceID == "11111111111111111111111111111111")
        #expect(server.parentID == "2222222222222222")
        expect(server, ["http.route": "/dequeue", "http.response.status_code": 200])

        #expect(answer["trace_id"] == .string(Self.trace))
        #expect(answer["frame"]?["_traceparent"] == .string(consumer.traceparent))
        #expect(reply.header("traceparent") == consumer.traceparent)
    }

    @Test("A worker that brings no context is linked all the same, by a trace of its own")
    func untracedWorker() async throws {
        let traced = try await TracedService()
        _ = try await traced.service.enqueue(#"{"frame_id":"f1"}"#)
        _ = try await traced.service.dequeue()
        let spans = try await traced.finish()
        let server = try spans.only(.server, name: "GET /dequeue")
        let consumer = try spans.only(.consumer)
        #expect(server.parentID == "")
        #expect(consumer.links == [server.link])
        #expect(consumer.traceID != server.traceID)
        #expect(consumer.traceID == (try spans.only(.producer).traceID))
    }

    @Test("A payload's reply says the frame's trace in its headers")
    func payload() async throws {
        let traced = try await TracedService()
        let enqueued = try await traced.service.call(
            "POST",
            "/enqueue?camera_id=cam01&frame_id=f1",
            headers: [("Content-Type", "image/jpeg"), ("traceparent", Self.traceparent)],
            body: [0xFF, 0xD8, 0x00, 0xFF, 0xD9]
        )
        #expect(enqueued.status == 200)
        let reply = try await traced.service.get("/dequeue", headers: [("Accept", "image/*")])
        #expect(reply.body == [0xFF, 0xD8, 0x00, 0xFF, 0xD9])
        let spans = try await traced.finish()
        let consumer = try spans.only(.consumer, frame: "f1")
        #expect(consumer.parentID == (try spans.only(.producer, frame: "f1").spanID))
        #expect(consumer.traceID == Self.trace)
        expect(consumer, ["camera.id": "cam01", "frame.size": 5])
        #expect(reply.header("traceparent") == consumer.traceparent)
        #expect(reply.header("X-Trace-Id") == Self.trace)
    }

    @Test("A query's secrets are not in its span")
    func query() async throws {
        let traced = try await TracedService()
        _ = try await traced.service.call("POST", "/enqueue?sig=secret&frame_id=f1", body: Array(#"{"n":1}"#.utf8))
        let spans = try await traced.finish()
        expect(try spans.only(.server), ["url.query": "sig=REDACTED&frame_id=f1"])
    }

    @Test("Of several frames in a reply each has its own trace; the reply's header is the SERVER span's")
    func several() async throws {
        let traced = try await TracedService()
        for number in 1...3 { _ = try await traced.service.enqueue(#"{"frame_id":"f\#(number)"}"#) }
        let reply = try await traced.service.get("/dequeue?count=10")
        let answer = try reply.json()
        let spans = try await traced.finish()
        let server = try spans.only(.server, name: "GET /dequeue")
        #expect(reply.header("traceparent") == server.traceparent)
        expect(server, ["messaging.batch.message_count": 3])
        for number in 1...3 {
            let producer = try spans.only(.producer, frame: "f\(number)")
            let consumer = try spans.only(.consumer, frame: "f\(number)")
            #expect(consumer.traceID == producer.traceID)
            #expect(consumer.parentID == producer.spanID)
            #expect(consumer.links == [server.link])
            let element = try #require(answer["frames"]?[number - 1])
            #expect(element["trace_id"] == .string(consumer.traceID))
            #expect(element["frame"]?["_traceparent"] == .string(consumer.traceparent))
        }
        #expect(Set(spans.filter { $0.kind == .consumer }.map(\.traceID)).count == 3)
    }

    @Test("An entry that came without a sound context begins a trace at its CONSUMER span, which is linked")
    func foreignEntries() async throws {
        let traced = try await TracedService()
        let redis = traced.redis
        try await redis.cli("XADD", "frames:queue", "*", "frame_id", "x1")
        try await redis.cli("XADD", "frames:queue", "*", "frame_id", "x2", "_traceparent", "garbage")
        try await redis.cli("XADD", "frames:queue", "*", "frame_id", "x3", "_traceparent", "")
        let zero = "00-00000000000000000000000000000000-b7ad6b7169203331-01"
        try await redis.cli("XADD", "frames:queue", "*", "frame_id", "x4", "_traceparent", zero, "_tracestate", "a=1")
        try await redis.cli("XADD", "frames:queue", "*", "frame_id", "x5", "_traceparent", Self.traceparent)
        try await redis.cli("XADD", "frames:queue", "*", "frame_id", "x6", "traceparent", Self.traceparent)
        var frames: [[String: JSON]] = []
        for _ in 1...6 { frames.append(try #require(try await traced.service.dequeue())) }
        let spans = try await traced.finish()
        for (number, frame) in zip(1..., frames) {
            let id = "x\(number)"
            #expect(frame["frame_id"] == .string(id))
            let consumer = try spans.only(.consumer, frame: id)
            #expect(frame["_traceparent"] == .string(consumer.traceparent), "\(id)")
            #expect(frame["_tracestate"] == nil, "\(id)")
            #expect(consumer.links.count == 1, "\(id)")
            let server = try spans.only(.server, spanID: consumer.links.first?.spanID ?? "")
            #expect(server.traceID != consumer.traceID, "\(id)")
            #expect(consumer.parentID == (number <= 4 ? "" : Self.caller), "\(id)")
            #expect((consumer.traceID == Self.trace) == (number >= 5), "\(id)")
        }
        #expect(frames[5]["traceparent"] == frames[5]["_traceparent"])
        #expect(Set(frames.prefix(4).compactMap { Traceparent($0["_traceparent"]?.string)?.traceID }).count == 4)
    }

    // MARK: What makes no span

    @Test("A poll that found nothing makes no span, unless its caller traces it; looking and health make none")
    func nothingFound() async throws {
        let traced = try await TracedService()
        let service = traced.service
        for path in ["/dequeue?wait=0", "/dequeue?wait=20ms", "/dequeue?count=5&wait=0"] {
            let reply = try await service.get(path)
            #expect(try reply.json() == .object(["status": .string("empty")]))
            #expect(reply.header("traceparent") == nil)
        }
        #expect(try await service.get("/dequeue?wait=0", headers: [("Accept", "image/*")]).status == 204)
        for path in ["/queue/size", "/queue-size", "/health", "/health/live", "/health/ready"] {
            #expect(try await service.get(path).status == 200)
        }
        let followed = try await service.get("/dequeue?wait=0", headers: [("traceparent", Self.traceparent)])
        let spans = try await traced.finish()
        #expect(spans.count == 1)
        let server = try spans.only(.server, name: "GET /dequeue")
        #expect(server.traceID == Self.trace)
        #expect(server.parentID == Self.caller)
        #expect(followed.header("traceparent") == server.traceparent)
    }

    // MARK: What goes wrong

    @Test("A frame that is refused since the queue is full ends its PRODUCER span with an error")
    func full() async throws {
        let traced = try await TracedService(["FRAMEBUFFER_CAPACITY_FRAMES": "1"])
        _ = try await traced.service.enqueue(#"{"frame_id":"f1"}"#)
        let reply = try await traced.service.enqueue(
            #"{"frame_id":"f2"}"#,
            headers: [("traceparent", Self.traceparent)]
        )
        #expect(reply.status == 429)
        let spans = try await traced.finish()
        let producer = try spans.only(.producer, frame: "f2")
        #expect(producer.status == .error)
        #expect(producer.attributes["error.type"] != nil)
        #expect(producer.attributes["messaging.message.id"] == nil)
        let server = try spans.only(.server, spanID: producer.parentID)
        expect(server, ["http.response.status_code": 429])
        // The caller's fault: by the conventions no error of a server.
        #expect(server.status == .unset)
        #expect(try reply.json()["trace_id"] == .string(Self.trace))
        #expect(Traceparent(reply.header("traceparent"))?.traceID == Self.trace)
        #expect(try spans.only(.producer, frame: "f1").status == .unset)
    }

    @Test("What Redis, being away, makes impossible are errors of the SERVER span and of the PRODUCER span")
    func redisAway() async throws {
        let traced = try await TracedService()
        traced.redis.kill()
        let refused = try await traced.service.enqueue(
            #"{"frame_id":"f1"}"#,
            headers: [("traceparent", Self.traceparent)]
        )
        #expect(refused.status == 503)
        let poll = try await traced.service.get("/dequeue?wait=1s", headers: [("traceparent", Self.traceparent)])
        #expect(poll.status == 503)
        let spans = try await traced.finish()
        let producer = try spans.only(.producer, frame: "f1")
        #expect(producer.status == .error)
        #expect(producer.attributes["error.type"] != nil)
        for (name, reply) in [("POST /enqueue", refused), ("GET /dequeue", poll)] {
            let server = try spans.only(.server, name: name)
            #expect(server.status == .error)
            expect(server, ["http.response.status_code": 503, "error.type": "503"])
            // Once in all, and not again by each span below.
            #expect(server.events.map(\.name) == ["exception"])
            #expect(server.events.first?.attributes["exception.type"] == "FrameBuffer.FrameBufferError")
            let detail = try reply.json()["detail"]?.string
            #expect(server.events.first?.attributes["exception.message"]?.string == detail)
            #expect(server.parentID == Self.caller)
            #expect(try reply.json()["trace_id"] == .string(Self.trace))
            #expect(Traceparent(reply.header("traceparent"))?.traceID == Self.trace)
        }
        #expect(!spans.contains { $0.kind == .consumer })
        #expect(spans.count { $0.events.contains { $0.name == "exception" } } == 2)
    }

    @Test("A request that is no frame leaves its SERVER span alone")
    func malformed() async throws {
        let traced = try await TracedService()
        let reply = try await traced.service.enqueue("{", headers: [("traceparent", Self.traceparent)])
        #expect(reply.status == 400)
        let spans = try await traced.finish()
        #expect(spans.count == 1)
        let server = try spans.only(.server)
        expect(server, ["http.response.status_code": 400])
        #expect(server.status == .unset)
        #expect(try reply.json()["trace_id"] == .string(Self.trace))
        #expect(reply.header("traceparent") == server.traceparent)
    }

    /// Expects these attributes, and says by its name which differs.
    private func expect(
        _ span: ExportedSpan,
        _ attributes: [String: ExportedSpan.Value],
        sourceLocation: SourceLocation = #_sourceLocation
    ) {
        for (name, value) in attributes {
            #expect(span.attributes[name] == value, "\(span.name): \(name)", sourceLocation: sourceLocation)
        }
    }
}

import RedisTesting
import Testing

/// What the system before this one got wrong, by its own guide: each as a promise that is kept.
@Suite("What the guide's own example failed at")
struct GuideTests {
    @Test("Three frames enqueued before the first dequeue all come, in order")
    func enqueuedBefore() async throws {
        try await withService { service, _ in
            for number in 1...3 { _ = try await service.enqueue(#"{"frame_id":"f\#(number)"}"#) }
            for number in 1...3 {
                #expect(try await service.dequeue()?["frame_id"] == .string("f\(number)"))
            }
            #expect(try await service.dequeue(wait: "0") == nil)
        }
    }

    @Test("Nested JSON is accepted, and comes back as it was")
    func nested() async throws {
        try await withService { service, _ in
            let text = #"{"frame_id":"n","box":{"x":[1,{"y":null}],"ok":true},"score":0.10}"#
            #expect(try await service.enqueue(text).status == 200)
            var frame = try #require(try await service.dequeue())
            frame["_traceparent"] = nil
            #expect(.object(frame) == (try JSON(text)))
        }
    }

    @Test("One slow poll delays nobody")
    func slowPoll() async throws {
        try await withService { service, _ in
            let poll = Task { try await service.dequeue(wait: "30s") }
            let clock = ContinuousClock()
            for path in ["/health", "/health/live", "/queue/size", "/dequeue?wait=0"] {
                let start = clock.now
                #expect(try await service.get(path).status == 200)
                #expect(clock.now - start < .seconds(10))
            }
            let enqueued = try await service.enqueue(#"{"frame_id":"late"}"#)
            #expect(enqueued.status == 200)
            #expect(try await poll.value?["frame_id"] == .string("late"))
        }
    }

    @Test("The entry in Redis and the frame in the reply keep their trace context, in one trace")
    func traceContext() async throws {
        try await withService { service, redis in
            let trace = "0af7651916cd43dd8448eb211c80319c"
            let headers = [("traceparent", "00-\(trace)-b7ad6b7169203331-01")]
            let reply = try await service.enqueue(#"{"frame_id":"t"}"#, headers: headers)
            #expect(try reply.json()["trace_id"] == .string(trace))
            let entry = try await redis.cli("XRANGE", "frames:queue", "-", "+").split(separator: "\n").map(String.init)
            let stored = entry.firstIndex(of: "_traceparent").map { entry[$0 + 1] }
            #expect(stored?.hasPrefix("00-\(trace)-") == true)
            #expect(stored == reply.header("traceparent"))
            let frame = try #require(try await service.dequeue())
            let passedOn = try #require(frame["_traceparent"]?.string)
            #expect(passedOn.hasPrefix("00-\(trace)-"))
            #expect(passedOn != stored)
        }
    }

    @Test(
        "An id is made where there is none, and kept where there is one",
        arguments: ["", #""frame_id":null,"#, #""frame_id":"","#]
    )
    func identifier(member: String) async throws {
        try await withService { service, _ in
            let reply = try await service.enqueue(#"{\#(member)"camera_id":"cam01"}"#)
            let id = try #require(try reply.json()["frame_id"]?.string)
            #expect(id.wholeMatch(of: /\d{13}_http_cam01_\d{4,}_[0-9a-f]{8}/) != nil)
            #expect(try await service.dequeue()?["frame_id"] == .string(id))
            let given = try await service.enqueue(#"{"frame_id":42}"#)
            #expect(try given.json()["frame_id"] == .string("42"))
        }
    }

    @Test("Health and size tell the truth")
    func truth() async throws {
        try await withService(["FRAMEBUFFER_CAPACITY_FRAMES": "3"]) { service, redis in
            for number in 1...3 {
                let reply = try await service.enqueue(#"{"frame_id":"\#(number)"}"#)
                #expect(try reply.json()["queue_size"]?.integer == number)
                #expect(try await service.get("/queue/size").json()["size"]?.integer == number)
                #expect(try await service.get("/queue-size").json()["waiting"]?.integer == number)
            }
            #expect(try await service.enqueue(#"{"frame_id":"4"}"#).status == 429)
            var health = try await service.get("/health")
            #expect(health.status == 200)
            #expect(try health.json()["status"] == .string("degraded"))
            #expect(try health.json()["checks"]?["queue"]?["size"]?.integer == 3)
            redis.kill()
            health = try await service.get("/health")
            #expect(health.status == 503)
            #expect(try health.json()["status"] == .string("unhealthy"))
        }
    }
}

/// Runs `body` with a service of its own on a Redis of its own.
func withService(
    _ environment: [String: String] = [:],
    _ body: (FrameBufferProcess, RedisServer) async throws -> Void
) async throws {
    let redis = try await RedisServer()
    let service = try await FrameBufferProcess(redis: redis.url, environment)
    // It listens before it has found Redis.
    _ = try await eventually { try await service.get("/health/ready").status == 200 }
    try await body(service, redis)
    await service.kill()
}

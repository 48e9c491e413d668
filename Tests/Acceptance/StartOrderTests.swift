import RedisTesting
import Testing

@Suite("In whatever order services and Redis start")
struct StartOrderTests {
    @Test("a service that started before Redis stays up, answers 503, and is ready by itself once Redis is there")
    func beforeRedis() async throws {
        let redis = try await RedisServer()
        try await redis.cli("SHUTDOWN", "NOSAVE")
        redis.kill()
        let service = try await FrameBufferProcess(redis: redis.url)
        #expect(try await service.get("/health/live").status == 200)
        for path in ["/health/ready", "/queue/size", "/dequeue?wait=0", "/dequeue?wait=10s"] {
            let (reply, time) = try await ContinuousClock().timed { try await service.get(path) }
            try reply.expectProblem(503)
            #expect(reply.header("retry-after") != nil, "\(path)")
            #expect(time < .seconds(3), "\(path)")
        }
        #expect(try await service.get("/health").json()["status"] == .string("unhealthy"))
        try await service.enqueue(#"{"frame_id":"early"}"#).expectProblem(503)
        try await redis.start()
        #expect(try await eventually(within: .seconds(5)) { try await service.get("/health/ready").status == 200 })
        #expect(try await service.enqueue(#"{"frame_id":"f"}"#).status == 200)
        #expect(try await service.dequeue()?["frame_id"] == .string("f"))
        #expect(try await service.dequeue(wait: "0") == nil)
        let code = await service.stop()
        #expect(code == 0, "\(service.log)")
    }

    @Test(
        "while Redis loads its data the answer is 503 and says so; then the service is ready by itself, with all frames"
    )
    func loading() async throws {
        // 3,000 keys, each loaded in about a millisecond, and the network looked at all the while.
        let redis = try await RedisServer([
            "--key-load-delay", "1000", "--loading-process-events-interval-bytes", "1024", "--enable-debug-command",
            "yes",
        ])
        try await redis.cli("XADD", "frames:queue", "*", "frame_id", "saved")
        try await redis.cli("DEBUG", "POPULATE", "3000")
        try await redis.cli("SAVE")
        try await redis.cli("SHUTDOWN", "NOSAVE")
        redis.kill()
        let service = try await FrameBufferProcess(redis: redis.url)
        try await redis.start(waitingUntilReady: false)
        let isLoading = try await eventually {
            try await service.enqueue(#"{"frame_id":"early"}"#).text.contains("loading")
        }
        #expect(isLoading)
        for path in ["/health/ready", "/queue/size", "/dequeue?wait=0", "/dequeue?wait=20s"] {
            let (reply, time) = try await ContinuousClock().timed { try await service.get(path) }
            #expect(
                try reply.expectProblem(503)["title"]?.string?.contains("loading") == true,
                "\(path): \(reply.text)"
            )
            #expect(reply.header("retry-after") != nil)
            #expect(time < .seconds(3), "\(path)")
        }
        #expect(try await service.get("/health").status == 503)
        #expect(try await service.get("/health/live").status == 200)
        #expect(try await eventually(within: .seconds(30)) { try await service.get("/health/ready").status == 200 })
        #expect(try await redis.cli("PING") == "PONG")
        #expect(try await service.dequeue()?["frame_id"] == .string("saved"))
        #expect(try await service.enqueue(#"{"frame_id":"f"}"#).status == 200)
        #expect(try await service.dequeue()?["frame_id"] == .string("f"))
        #expect(try await service.dequeue(wait: "0") == nil)
    }

    @Test(
        "three replicas that start at once share one group, and a restart moves it not: what waits comes once, in order"
    )
    func replicas() async throws {
        let redis = try await RedisServer()
        async let first = FrameBufferProcess(redis: redis.url)
        async let second = FrameBufferProcess(redis: redis.url)
        async let third = FrameBufferProcess(redis: redis.url)
        var services = try await [first, second, third]
        for service in services {
            #expect(try await eventually { try await service.get("/health/ready").status == 200 })
        }
        let hasGroup = try await eventually {
            try await redis.cli("XINFO", "GROUPS", "frames:queue").split(separator: "\n").count { $0 == "workers" } == 1
        }
        #expect(hasGroup)
        for service in services {
            #expect(!service.log.contains(" error ") && !service.log.contains("BUSYGROUP"), "\(service.log)")
        }
        for (number, service) in services.enumerated() {
            #expect(try await service.enqueue(#"{"frame_id":"\#(number)"}"#).status == 200)
        }
        for number in services.indices {
            let other = services[(number + 1) % services.count]
            #expect(try await other.dequeue()?["frame_id"] == .string("\(number)"))
        }
        // Once in order, once as a crash; all that was handed out before is settled by then.
        for isOrderly in [true, false] {
            #expect(try await eventually { try await services[2].get("/queue/size").json()["size"]?.integer == 0 })
            let ids = (0..<5).map { "\(isOrderly) \($0)" }
            for id in ids { #expect(try await services[1].enqueue(#"{"frame_id":"\#(id)"}"#).status == 200) }
            if isOrderly {
                let code = await services[0].stop()
                #expect(code == 0, "\(services[0].log)")
            } else {
                await services[0].kill()
            }
            services[0] = try await FrameBufferProcess(redis: redis.url)
            var received: [JSON?] = []
            for turn in 0..<7 {
                received.append(try await services[turn % 3].dequeue(wait: "300ms")?["frame_id"])
            }
            #expect(received == ids.map { .string($0) } + [nil, nil])
        }
    }
}

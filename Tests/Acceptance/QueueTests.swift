import RedisTesting
import Testing

@Suite("A look at a whole queue")
struct QueueTests {
    private func look(_ service: FrameBufferProcess) async throws -> JSON {
        let reply = try await service.get("/queue")
        guard reply.status == 200 else {
            throw FrameBufferProcess.Failure(description: "\(reply.status) \(reply.text)")
        }
        return try reply.json()
    }

    private func elements(_ json: JSON?) -> [JSON] {
        if case .array(let elements)? = json { elements } else { [] }
    }

    /// What two looks at one queue have in common, whoever is asked and however late: all but what is counted in milliseconds.
    private func timeless(_ json: JSON) -> JSON {
        switch json {
        case .object(let members):
            .object(
                members.filter { !["oldest_age_ms", "expires_in_ms", "bytes"].contains($0.key) }.mapValues(timeless)
            )
        case .array(let elements): .array(elements.map(timeless))
        default: json
        }
    }

    @Test("tells sizes, groups, holders of leases, cameras and counters, the same whichever instance is asked")
    func replicas() async throws {
        try await withService { one, redis in
            let other = try await FrameBufferProcess(redis: redis.url)
            for (number, camera) in ["cam1", "cam2", "cam1"].enumerated() {
                let json = #"{"frame_id":"\#(number)","camera_id":"\#(camera)"}"#
                #expect(try await (number == 1 ? other : one).enqueue(json).status == 200)
            }
            let mine = try await one.get("/dequeue?lease=100s&consumer=me&wait=5s")
            let lease = try #require(try Leased.all(in: mine).first)
            let nobody = try #require(try await other.lease("50s"))
            #expect(try await other.settle("/nack", nobody, #""delay":"200s","reason":"too dark""#).settled == 1)

            let agree = try await eventually {
                let (first, second) = (try await look(one), try await look(other))
                let last = elements(first["cameras"]).map { $0["last_frame"]?["frame_id"]?.string }
                return timeless(first) == timeless(second) && last == ["2", "1"]
            }
            #expect(agree)
            for service in [one, other] {
                let json = try await look(service)
                let size = try await service.get("/queue/size").json()
                for name in ["queue", "size", "waiting", "leased", "dead", "capacity"] {
                    #expect(size[name] != nil && json[name] == size[name], "\(name)")
                }
                #expect(json["bytes"]?.integer != nil && json["oldest_age_ms"]?.integer != nil)
                #expect(json["leased"]?.integer == 2)
                #expect(json["leases"]?.integer == 2 && json["leases_listed"]?.integer == 2)
                let group = try #require(elements(json["groups"]).first)
                #expect(group["name"] == .string("workers") && group["ours"] == .bool(true))
                #expect(group["pending"]?.integer == 2 && group["consumers"]?.integer ?? 0 >= 1)
                #expect(group["last_delivered_id"] == .string(nobody.messageID))
                #expect(group["lag"]?.integer == 1)

                let consumers = elements(json["consumers"])
                #expect(consumers.count == 2)
                let first = elements(consumers[0]["leases"])
                #expect(consumers[0]["consumer"] == .string("me") && consumers[0]["leased"]?.integer == 1)
                #expect(first[0]["message_id"] == .string(lease.messageID))
                #expect(first[0]["frame_id"] == .string("0") && first[0]["deliveries"]?.integer == 1)
                #expect(first[0]["trace_id"] == (try mine.json()["trace_id"]))
                #expect((50_000...100_000).contains(first[0]["expires_in_ms"]?.integer ?? 0))
                #expect(first[0]["nacked"] == .bool(false) && first[0]["reason"] == nil)
                let second = elements(consumers[1]["leases"])
                #expect(consumers[1]["consumer"]?.string?.hasPrefix("127.0.0.1:") == true)
                #expect(second[0]["nacked"] == .bool(true) && second[0]["reason"] == .string("too dark"))

                let cameras = elements(json["cameras"])
                #expect(cameras.map { $0["camera_id"]?.string } == ["cam1", "cam2"])
                #expect(cameras.map { $0["last_frame"]?["frame_id"]?.string } == ["2", "1"])
                #expect(cameras[1]["last_frame"]?["message_id"] == .string(nobody.messageID))
                let moment = cameras[0]["last_frame"]?["enqueued_at"]?.string
                #expect(moment?.wholeMatch(of: /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z/) != nil)
                for counted in cameras + [json["counters"] ?? .null] {
                    for name in ["dropped", "expired", "superseded"] { #expect(counted[name]?.integer == 0, "\(name)") }
                }
                #expect(json["counters"]?["trimmed"]?.integer == 0)
            }
            await other.stop()
        }
    }

    @Test("shows what full queues dropped, of each camera")
    func dropped() async throws {
        let settings = ["FRAMEBUFFER_CAPACITY_FRAMES": "2", "FRAMEBUFFER_OVERFLOW": "drop-oldest"]
        try await withService(settings) { service, _ in
            for number in 0..<5 {
                let json = #"{"frame_id":"\#(number)","camera_id":"cam\#(number % 2)"}"#
                #expect(try await service.enqueue(json).status == 200)
            }
            let json = try await look(service)
            #expect(json["counters"]?["dropped"]?.integer == 3)
            #expect(elements(json["cameras"]).map { $0["dropped"]?.integer } == [2, 1])
            // Each of the service's loops tells of its frames within a second.
            let isTold = try await eventually {
                let cameras = elements(try await look(service)["cameras"])
                return cameras.map { $0["last_frame"]?["frame_id"]?.string } == ["4", "3"]
            }
            #expect(isTold)
        }
    }

    @Test(
        "is all zeros and empty without a stream, 404 for another queue, and 503 where there is no stream but something else"
    )
    func nothing() async throws {
        try await withService { service, redis in
            #expect(try await eventually { try await redis.cli("EXISTS", "frames:queue") == "1" })
            // It is made again at the next look for it.
            let isEmpty = try await eventually {
                try await redis.cli("DEL", "frames:queue")
                let json = try await look(service)
                return json["size"]?.integer == 0 && json["leases"]?.integer == 0
                    && [json["groups"], json["consumers"], json["cameras"]] == [.array([]), .array([]), .array([])]
            }
            #expect(isEmpty)
            try await service.get("/queue?queue=other").expectProblem(404)
            for query in ["x=1", "count=1", "queue=frames:queue&wait=1s"] {
                try await service.get("/queue?\(query)").expectProblem(400)
                try await service.get("/queue/size?\(query)").expectProblem(400)
            }
            #expect(try await service.get("/queue?queue=frames:queue").status == 200)
            for path in ["/queue", "/queue/size", "/queue-size"] {
                let reply = try await service.call("HEAD", path)
                #expect(reply.status == 200 && reply.body.isEmpty, "\(path)")
                #expect(reply.header("cache-control") == "no-store", "\(path)")
            }
            for method in ["POST", "PUT", "DELETE"] {
                let reply = try await service.call(method, "/queue")
                try reply.expectProblem(405)
                #expect(reply.header("allow") == "GET, HEAD")
            }
            try await redis.cli("DEL", "frames:queue")
            try await redis.cli("SET", "frames:queue", "x")
            let problem = try await service.get("/queue").expectProblem(503)
            #expect(problem["detail"]?.string?.contains("frames:queue") == true)
        }
    }
}

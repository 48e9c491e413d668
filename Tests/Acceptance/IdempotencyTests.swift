import RedisTesting
import Testing

@Suite("A request that comes again")
struct IdempotencyTests {
    private static func key(_ key: String) -> [(String, String)] { [("Idempotency-Key", key)] }

    private func length(_ redis: RedisServer) async throws -> Int? {
        Int(try await redis.cli("XLEN", "frames:queue"))
    }

    @Test("with its key writes nothing and is told what the first one was told, whatever the form of the frame")
    func frame() async throws {
        try await withService { service, redis in
            let multipart = "--b\r\nContent-Disposition: form-data; name=a\r\n\r\n1\r\n--b--"
            let uploads = [
                (#"{"camera_id":"cam01"}"#, "application/json"), ("picture", "image/jpeg"),
                ("a=1", "application/x-www-form-urlencoded"), (multipart, "multipart/form-data; boundary=b"),
            ]
            for (number, (body, type)) in uploads.enumerated() {
                let first = try await service.upload(body, type: type, headers: Self.key("key-\(number)"))
                let again = try await service.upload(body, type: type, headers: Self.key("key-\(number)"))
                #expect(first.status == 200 && again.status == 200, "\(first.text) \(again.text)")
                let (one, other) = (try first.json(), try again.json())
                #expect(one["status"] == .string("enqueued"))
                #expect(other["status"] == .string("duplicate"))
                for name in ["frame_id", "message_id", "trace_id", "queue", "queue_size"] {
                    #expect(one[name] != nil && one[name] == other[name], "\(name)")
                }
                #expect(first.header("traceparent") == again.header("traceparent"))
                #expect(try await length(redis) == number + 1)
            }
            // What no key came with is new each time.
            for _ in 0..<2 { #expect(try await service.enqueue(#"{"frame_id":"x"}"#).status == 200) }
            #expect(try await length(redis) == uploads.count + 2)
        }
    }

    @Test("with a batch's key writes nothing of it, as an array or as lines, also when its frames have left the queue")
    func batch() async throws {
        try await withService { service, redis in
            let objects = [#"{"frame_id":"a b"}"#, #"{"frame_id":"é"}"#, #"{"camera_id":"c"}"#]
            let first = try await service.enqueue("[\(objects.joined(separator: ","))]", headers: Self.key("k"))
            #expect(try first.json()["status"] == .string("enqueued"))
            let again = try await service.upload(
                objects.joined(separator: "\n"),
                type: "application/x-ndjson",
                headers: Self.key("k")
            )
            #expect(try again.json()["status"] == .string("duplicate"))
            #expect(try again.frames() == first.frames())
            #expect(try again.frames().count == 3)
            #expect(try again.json()["queue_size"]?.integer == 3)
            for _ in 0..<3 { #expect(try await service.dequeue() != nil) }
            #expect(try await eventually { try await length(redis) == 0 })
            let late = try await service.enqueue("[\(objects.joined(separator: ","))]", headers: Self.key("k"))
            #expect(try late.frames() == first.frames())
            #expect(try late.json()["queue_size"]?.integer == 0)
            #expect(try await length(redis) == 0)
        }
    }

    @Test("is known by its frame_id where dedup says so, each frame of a batch by its own")
    func frameID() async throws {
        try await withService { service, redis in
            let first = try await service.upload(
                #"{"frame_id":"a"}"#,
                type: "application/json",
                query: "?dedup=frame_id"
            )
            let raw = try await service.upload("x", type: "image/jpeg", query: "?frame_id=a&dedup=frame_id")
            #expect(try raw.json()["status"] == .string("duplicate"))
            #expect(try raw.json()["message_id"] == first.json()["message_id"])
            let mixed = try await service.upload(
                #"[{"frame_id":"a"},{"frame_id":"b"}]"#,
                type: "application/json",
                query: "?dedup=frame_id"
            )
            #expect(try mixed.json()["status"] == .string("enqueued"))
            #expect(try mixed.frames()[0]["message_id"] == first.json()["message_id"])
            #expect(try mixed.frames().map { $0["duplicate"] } == [.bool(true), nil])
            let again = try await service.upload(
                #"[{"frame_id":"b"},{"frame_id":"a"}]"#,
                type: "application/json",
                query: "?dedup=frame_id"
            )
            #expect(try again.json()["status"] == .string("duplicate"))
            #expect(try await redis.entries().map { $0["frame_id"] } == ["a", "b"])
            // It is no field of a payload's.
            _ = try await service.upload("x", type: "image/jpeg", query: "?frame_id=c&dedup=frame_id")
            #expect(try await redis.entries().last?.fields.map(\.name).contains("dedup") == false)
        }
    }

    @Test("with a key that is none is 400, and nothing is stored")
    func refused() async throws {
        try await withService { service, redis in
            let frame = #"{"frame_id":"a"}"#
            let cases: [(String, String, [(String, String)], String)] = [
                (frame, "", Self.key(""), "Idempotency-Key"), (frame, "", Self.key("é"), "Idempotency-Key"),
                (frame, "", Self.key(String(repeating: "k", count: 257)), "256"),
                (frame, "", Self.key("a") + Self.key("b"), "one header"), (frame, "?dedup=", [], "frame_id"),
                (frame, "?dedup=camera_id", [], "frame_id"), (frame, "?dedup=frame_id", Self.key("a"), "not both"),
                (#"{"a":1}"#, "?dedup=frame_id", [], "this frame has none"),
                (#"{"frame_id":""}"#, "?dedup=frame_id", [], "this frame has none"),
                (#"[{"frame_id":"a"},{"a":1}]"#, "?dedup=frame_id", [], "frame 1 has none"),
            ]
            for (body, query, headers, reason) in cases {
                let reply = try await service.upload(body, type: "application/json", query: query, headers: headers)
                let problem = try reply.expectProblem(400)
                #expect(problem["detail"]?.string?.contains(reason) == true, "\(problem)")
            }
            #expect(try await length(redis) == 0)
            #expect(try await redis.cli("KEYS", "*mark*") == "")
            let longest = String(repeating: "k", count: 256)
            for status in ["enqueued", "duplicate"] {
                #expect(
                    try await service.enqueue(frame, headers: Self.key(longest)).json()["status"] == .string(status)
                )
            }
        }
    }

    @Test("at the same moment, through any replica, makes one frame")
    func concurrent() async throws {
        try await withService { one, redis in
            let other = try await FrameBufferProcess(redis: redis.url)
            let services = [one, other]
            let answers = try await withThrowingTaskGroup { group in
                for number in 0..<100 {
                    group.addTask {
                        let body = number % 2 == 0 ? #"{"n":\#(number)}"# : #"[{"n":\#(number)}]"#
                        let key = Self.key("key \(number % 2)")
                        return try await services[number / 2 % 2].enqueue(body, headers: key).json()
                    }
                }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            #expect(answers.count(where: { $0["status"] == .string("enqueued") }) == 2)
            #expect(answers.count(where: { $0["status"] == .string("duplicate") }) == 98)
            #expect(
                Set(answers.compactMap { ($0["message_id"] ?? $0["frames"]?[0]?["message_id"])?.string }).count == 2
            )
            #expect(try await length(redis) == 2)
            // What one was told the other one knows, also when the first is dead.
            await one.kill()
            let late = try await other.enqueue(#"{"n":1}"#, headers: Self.key("key 0"))
            #expect(try late.json()["status"] == .string("duplicate"))
            #expect(try await length(redis) == 2)
        }
    }

    @Test("after a reply that was lost gives one frame, whether the first request arrived or not")
    func lostReply() async throws {
        try await withService { service, redis in
            #expect(try await service.enqueue(#"{"frame_id":"before"}"#).status == 200)
            redis.freeze(true)
            let lost = try await service.enqueue(#"[{"frame_id":"a"},{"frame_id":"b"}]"#, headers: Self.key("k"))
            #expect(try lost.expectProblem(503)["outcome"] == .string("unknown"))
            redis.freeze(false)
            var answer = JSON.null
            let isAnswered = try await eventually {
                let reply = try await service.enqueue(#"[{"frame_id":"a"},{"frame_id":"b"}]"#, headers: Self.key("k"))
                answer = try reply.json()
                return reply.status == 200
            }
            #expect(isAnswered, "\(answer)")
            #expect([.string("enqueued"), .string("duplicate")].contains(answer["status"]), "\(answer)")
            var received: [String] = []
            while let frame = try await service.dequeue(wait: "1s") { received.append(frame["frame_id"]?.string ?? "") }
            #expect(received == ["before", "a", "b"])
        }
    }

    @Test("is known for the window that is set, and new after it")
    func window() async throws {
        try await withService(["FRAMEBUFFER_DEDUP_WINDOW": "1s"]) { service, redis in
            let first = try await service.enqueue(#"{"frame_id":"a"}"#, headers: Self.key("k"))
            #expect(try first.json()["status"] == .string("enqueued"))
            #expect(try await redis.cli("PTTL", try await redis.cli("KEYS", "*:mark:*")).hasPrefix("-") == false)
            #expect(
                try await eventually {
                    let reply = try await service.enqueue(#"{"frame_id":"a"}"#, headers: Self.key("k"))
                    return try reply.json()["status"] == .string("enqueued")
                }
            )
            #expect(try await length(redis) == 2)
        }
    }

    @Test("is told of its first reply by a full queue as well; what was refused may come again under its key")
    func full() async throws {
        try await withService(["FRAMEBUFFER_CAPACITY_FRAMES": "1"]) { service, redis in
            #expect(try await service.enqueue(#"{"frame_id":"a"}"#, headers: Self.key("a")).status == 200)
            try await service.enqueue(#"{"frame_id":"b"}"#, headers: Self.key("b")).expectProblem(429)
            let again = try await service.enqueue(#"{"frame_id":"a"}"#, headers: Self.key("a"))
            #expect(try again.json()["status"] == .string("duplicate"))
            #expect(try await service.dequeue()?["frame_id"] == .string("a"))
            let isThere = try await eventually {
                try await service.enqueue(#"{"frame_id":"b"}"#, headers: Self.key("b")).status == 200
            }
            #expect(isThere)
            #expect(try await redis.entries().map { $0["frame_id"] } == ["b"])
        }
    }

    @Test("has a span that says so and names the frame that there is; without tracing it is answered all the same")
    func spans() async throws {
        let traced = try await TracedService()
        let first = try await traced.service.enqueue(#"{"camera_id":"c"}"#, headers: Self.key("k"))
        let again = try await traced.service.enqueue(
            #"{"camera_id":"c"}"#,
            headers: Self.key("k") + [("traceparent", TraceTests.traceparent)]
        )
        let spans = try await traced.finish()
        let id = try #require(try first.json()["frame_id"]?.string)
        let producers = spans.filter { $0.kind == .producer && $0.attributes["frame.id"] == .string(id) }
        #expect(producers.count == 2)
        let duplicate = try #require(producers.first { $0.traceID == TraceTests.trace })
        #expect(duplicate.attributes["frame.duplicate"] == .bool(true))
        #expect(
            duplicate.attributes["messaging.message.id"] == (try first.json()["message_id"]?.string).map { .string($0) }
        )
        let original = try #require(producers.first { $0.traceID != TraceTests.trace })
        #expect(original.attributes["frame.duplicate"] == nil)
        // The frame's trace is that of its first request.
        #expect(try again.json()["trace_id"] == .string(original.traceID))
        #expect(again.header("traceparent") == original.traceparent)

        try await withService(["OTEL_SDK_DISABLED": "true"]) { service, _ in
            for status in ["enqueued", "duplicate"] {
                let answer = try await service.enqueue(#"{"a":1}"#, headers: Self.key("k")).json()
                #expect(answer["status"] == .string(status))
                #expect(answer["trace_id"] == .null)
            }
        }
    }

    @Test("leaves its key in no log, and in Redis only as a digest")
    func secret() async throws {
        try await withService(["LOG_LEVEL": "trace"]) { service, redis in
            for _ in 0..<2 { _ = try await service.enqueue(#"{"a":1}"#, headers: Self.key("SECRET")) }
            #expect(
                try await redis.cli("KEYS", "*mark*").wholeMatch(of: /frames:queue:\{frames:queue\}:mark:[0-9a-f]{32}/)
                    != nil
            )
            #expect(!service.log.contains("SECRET"))
        }
    }
}

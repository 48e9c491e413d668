import RedisTesting
import Testing

@Suite("A batch")
struct BatchesTests {
    private static let json = "application/json"
    private static let lines = "application/x-ndjson"

    private static func objects(_ numbers: Range<Int>) -> [String] { numbers.map { #"{"frame_id":"f\#($0)"}"# } }

    private static func array(_ numbers: Range<Int>) -> String { "[\(objects(numbers).joined(separator: ","))]" }

    @Test("as an array, as lines, and as curl -d sends an array, is one reply with the ids of each, in order")
    func forms() async throws {
        try await withService { service, redis in
            let objects = Self.objects(0..<3)
            let bodies = [
                ("[\(objects.joined(separator: ","))]", Self.json), (objects.joined(separator: "\n"), Self.lines),
                (" [\(objects.joined(separator: ", "))]", "application/x-www-form-urlencoded"),
                (objects.joined(separator: "\r\n") + "\r\n", "Application/X-NDJSON; charset=utf-8"),
            ]
            for (round, (body, type)) in bodies.enumerated() {
                let reply = try await service.upload(body, type: type)
                #expect(reply.status == 200, "\(reply.text)")
                let answer = try reply.json()
                #expect(answer["status"] == .string("enqueued"))
                #expect(answer["queue_size"]?.integer == 3 * (round + 1))
                let frames = try reply.frames()
                let entries = try await redis.entries().suffix(3)
                #expect(frames.count == 3)
                for (frame, entry) in zip(frames, entries) {
                    #expect(frame["frame_id"]?.string == entry["frame_id"])
                    #expect(frame["message_id"]?.string == entry.id)
                    let context = Traceparent(entry["_traceparent"])
                    #expect(context != nil && frame["trace_id"]?.string == context?.traceID)
                }
                #expect(entries.compactMap { $0["frame_id"] } == ["f0", "f1", "f2"])
                #expect(Traceparent(reply.header("traceparent")) != nil)
            }
        }
    }

    @Test("keeps each value's type and every digit, decodes payloads, and makes ids where there are none")
    func values() async throws {
        try await withService { service, _ in
            let objects = [
                #"{"frame_id":7,"big":18446744073709551616,"f":1.10,"e":1e400,"none":null,"box":{"x":[1,{"y":null}]}}"#,
                #"{"data":"AAH/","data_encoding":"base64","text":"\u00e9\n"}"#,
            ]
            let reply = try await service.upload(objects.joined(separator: "\n"), type: Self.lines)
            #expect(reply.status == 200, "\(reply.text)")
            let first = try #require(try await service.dequeue())
            #expect(first["frame_id"] == .string("7"))
            guard case .object(let sent) = try JSON(objects[0]) else { return }
            for (name, value) in sent where name != "frame_id" { #expect(first[name] == value, "\(name)") }
            let second = try #require(try await service.dequeue())
            #expect(second["data"] == .string("AAH/"))
            #expect(second["text"] == .string("é\n"))
            #expect(second["frame_id"] == (try reply.frames()[1]["frame_id"]))
            #expect(second["frame_id"]?.string?.contains("_http_unknown_") == true)
        }
    }

    @Test("of a thousand frames comes out whole and in order; one more is refused, and the limit is named")
    func thousand() async throws {
        try await withService { service, redis in
            for type in [Self.json, Self.lines] {
                let objects = Self.objects(0..<1001)
                let body = { (count: Int) in
                    type == Self.json
                        ? "[\(objects.prefix(count).joined(separator: ","))]"
                        : objects.prefix(count).joined(separator: "\n")
                }
                let problem = try await service.upload(body(1001), type: type).expectProblem(400)
                #expect(problem["detail"]?.string?.contains("more than 1000 frames") == true, "\(problem)")
                #expect(try await redis.cli("XLEN", "frames:queue") == "0")
                let reply = try await service.upload(body(1000), type: type)
                #expect(try reply.frames().count == 1000)
                var received: [String] = []
                while received.count < 1000 {
                    let frames = try await service.get("/dequeue?count=100&wait=5s").frames()
                    #expect(!frames.isEmpty)
                    received += frames.compactMap { $0["frame"]?["frame_id"]?.string }
                }
                #expect(received == (0..<1000).map { "f\($0)" })
                #expect(try await eventually { try await redis.cli("XLEN", "frames:queue") == "0" })
            }
        }
    }

    @Test("has the limit that is set")
    func limit() async throws {
        try await withService(["FRAMEBUFFER_MAX_BATCH": "2"]) { service, redis in
            #expect(try await service.enqueue(Self.array(0..<2)).status == 200)
            let problem = try await service.enqueue(Self.array(0..<3)).expectProblem(400)
            #expect(problem["detail"]?.string?.contains("more than 2 frames") == true)
            #expect(problem["index"]?.integer == 2)
            #expect(try await redis.cli("XLEN", "frames:queue") == "2")
        }
    }

    /// What is refused: a body, its type, the index or line that is named, and the byte.
    private static let refused: [(String, String, String?, Int, Int)] = [
        (#"[{"a":1},{"a":2,"a":3}]"#, json, "index", 1, 16), (#"[{"a":1},{"_json":"a"}]"#, json, "index", 1, 10),
        (#"[{"a":1},{}]"#, json, "index", 1, 9), (#"[{"a":1},"x"]"#, json, "index", 1, 9),
        (#"[{"a":1},{"a":tru}]"#, json, "index", 1, 17), (#"[{"a":1},{"frame_id":{}}]"#, json, "index", 1, 21),
        (#"[{"a":1},{"a":"\ud800"}]"#, json, "index", 1, 15), (#"[{"a":1},[{"a":1}]]"#, json, "index", 1, 9),
        (#"[{"a":1}] [{"a":1}]"#, json, nil, 0, 10), ("[]", json, nil, 0, 0), ("[ ]", json, nil, 0, 0),
        ("{\"a\":1}\n\n{\"a\":1,}\n", lines, "line", 3, 16), ("{\"a\":1}\n[{\"a\":1}]", lines, "line", 2, 8),
        ("{\"a\":1} {\"a\":1}", lines, "line", 1, 8), ("{\"a\":1}\n{\"a\":\n1}", lines, "line", 2, 13),
        ("", lines, nil, 0, 0), (" \n\r\n", lines, nil, 0, 0),
    ]

    @Test("with a frame that is none is refused whole: the problem names the frame, and the byte in the body")
    func refused() async throws {
        try await withService { service, redis in
            for (body, type, place, number, offset) in Self.refused {
                let problem = try await service.upload(body, type: type).expectProblem(400)
                for name in ["index", "line"] {
                    #expect(problem[name]?.integer == (name == place ? number : nil), "\(body): \(problem)")
                }
                #expect(problem["offset"]?.integer == offset, "\(body): \(problem)")
            }
            #expect(try await redis.cli("XLEN", "frames:queue") == "0")
        }
    }

    @Test("that the queue has no room for is refused whole, with 429; so is one that never fits")
    func full() async throws {
        try await withService(["FRAMEBUFFER_CAPACITY_FRAMES": "5"]) { service, redis in
            let tooMany = try await service.enqueue(Self.array(0..<6))
            try tooMany.expectProblem(429)
            #expect(tooMany.header("retry-after") != nil)
            #expect(try await service.enqueue(Self.array(0..<3)).status == 200)
            for type in [Self.json, Self.lines] {
                let body = type == Self.json ? Self.array(3..<6) : Self.objects(3..<6).joined(separator: "\n")
                try await service.upload(body, type: type).expectProblem(429)
            }
            #expect(try await redis.cli("XLEN", "frames:queue") == "3")
            #expect(try await service.enqueue(Self.array(3..<5)).status == 200)
            try await service.enqueue(#"{"a":1}"#).expectProblem(429)
            #expect(try await redis.cli("XLEN", "frames:queue") == "5")
        }
    }

    @Test("is 503 with the reason while Redis is out of memory, nothing of it stored; workers drain, and it goes on")
    func outOfMemory() async throws {
        try await withService { service, redis in
            #expect(try await service.enqueue(Self.array(0..<3)).status == 200)
            try await redis.cli("CONFIG", "SET", "maxmemory", "1")
            let refusal = try await service.enqueue(Self.array(3..<6))
            let problem = try refusal.expectProblem(503)
            #expect(problem["title"]?.string?.contains("memory") == true, "\(problem)")
            #expect(problem["outcome"] == nil)
            #expect(refusal.header("retry-after") != nil)
            #expect(try await redis.cli("XLEN", "frames:queue") == "3")
            for number in 0..<3 { #expect(try await service.dequeue()?["frame_id"] == .string("f\(number)")) }
            #expect(try await service.get("/queue/size").status == 200)
            try await redis.cli("CONFIG", "SET", "maxmemory", "0")
            #expect(try await service.enqueue(Self.array(3..<6)).status == 200)
        }
    }

    @Test("is one SERVER span with a PRODUCER span a frame under it, whose context its entry holds")
    func spans() async throws {
        let traced = try await TracedService()
        let caller = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
        let own = "00-11111111111111111111111111111111-2222222222222222-01"
        let body = #"[{"frame_id":"a","camera_id":"c"},{"frame_id":"b","_traceparent":"\#(own)"},{"frame_id":"c"}]"#
        let reply = try await traced.service.enqueue(body)
        let brought = try await traced.service.enqueue(
            #"[{"frame_id":"d"},{"frame_id":"e"}]"#,
            headers: [("traceparent", caller)]
        )
        let entries = try await traced.redis.entries()
        let spans = try await traced.finish()
        #expect(spans.count == 7)

        let server = try #require(spans.first { $0.kind == .server && $0.traceID != TraceTests.trace })
        #expect(reply.header("traceparent") == server.traceparent)
        for (index, id) in ["a", "b", "c"].enumerated() {
            let producer = try spans.only(.producer, frame: id)
            #expect(producer.name == "enqueue frames:queue")
            #expect(producer.parentID == (id == "b" ? "2222222222222222" : server.spanID))
            #expect(producer.links == (id == "b" ? [server.link] : []))
            #expect(producer.attributes["buffer.size"] == 3)
            #expect(producer.attributes["messaging.message.id"] == .string(entries[index].id))
            #expect(producer.events.map(\.name) == ["frame_buffer_enqueue"])
            #expect(entries[index]["_traceparent"] == producer.traceparent)
            #expect(try reply.frames()[index]["trace_id"] == .string(producer.traceID))
        }
        let callers = try #require(spans.first { $0.kind == .server && $0.traceID == TraceTests.trace })
        #expect(brought.header("traceparent") == callers.traceparent)
        for id in ["d", "e"] { #expect(try spans.only(.producer, frame: id).parentID == callers.spanID) }
    }

    @Test("that was refused whole has an error on each frame's span")
    func refusedSpans() async throws {
        let traced = try await TracedService(["FRAMEBUFFER_CAPACITY_FRAMES": "1"])
        try await traced.service.enqueue(Self.array(0..<2)).expectProblem(429)
        let spans = try await traced.finish()
        let producers = spans.filter { $0.kind == .producer }
        #expect(producers.count == 2)
        #expect(producers.allSatisfy { $0.status == .error && $0.attributes["error.type"] == "full" })
    }
}

import RedisTesting
import Testing

@Suite("What is asked for")
struct RoutesTests {
    @Test("is 404 where there is nothing")
    func notFound() async throws {
        try await withService { service, _ in
            for path in ["/nothing", "/enqueue/", "/Dequeue", "/queue/size/x", "/health/x", "//dequeue", "/%64equeue"] {
                for method in ["GET", "POST", "DELETE"] { try await service.call(method, path).expectProblem(404) }
            }
        }
    }

    @Test("is 405 with what is allowed where the method does nothing, and takes no frame")
    func methods() async throws {
        try await withService { service, redis in
            #expect(try await service.enqueue(#"{"frame_id":"f"}"#).status == 200)
            let cases: [(String, [String], Set<String>)] = [
                ("/enqueue", ["GET", "HEAD", "PUT", "DELETE", "PATCH"], ["POST"]),
                ("/dequeue", ["HEAD", "PUT", "DELETE", "OPTIONS"], ["GET", "POST"]),
                ("/queue/size", ["POST", "PUT", "DELETE"], ["GET"]),
                ("/queue-size", ["POST", "PUT", "DELETE"], ["GET"]),
                ("/health", ["POST", "PUT", "DELETE"], ["GET"]),
                ("/health/live", ["POST", "DELETE"], ["GET"]),
                ("/health/ready", ["POST", "DELETE"], ["GET"]),
            ]
            for (path, methods, allowed) in cases {
                for method in methods {
                    let reply = try await service.call(method, path)
                    #expect(reply.status == 405, "\(method) \(path)")
                    let allow = reply.header("allow").map { $0.split(separator: ",").map { $0.trimmed } } ?? []
                    #expect(allowed.isSubset(of: allow) && !allow.contains(method), "\(method) \(path): \(allow)")
                    if method == "HEAD" { #expect(reply.body.isEmpty) } else { try reply.expectProblem(405) }
                }
            }
            let answer = try await service.call("POST", "/dequeue?wait=0").json()
            #expect(answer["frame"]?["frame_id"] == .string("f"))
            #expect(answer["deliveries"]?.integer == 1)
        }
    }

    @Test("HEAD is answered without a body, on a connection that goes on")
    func head() async throws {
        try await withService { service, _ in
            let connection = try RawConnection(port: service.port)
            for (path, status) in [("/health/live", 200), ("/dequeue", 405), ("/nothing", 404), ("/health", 200)] {
                try connection.send("HEAD \(path) HTTP/1.1\r\nHost: h\r\n\r\n")
                #expect(try connection.response(toHead: true)?.status == status, "\(path)")
            }
            try connection.send("GET /health/live HTTP/1.1\r\nHost: h\r\n\r\n")
            #expect(try connection.response()?.json()["status"] == .string("alive"))
        }
    }

    @Test("of another queue than those configured is 404, and makes none")
    func queues() async throws {
        try await withService(["FRAMEBUFFER_QUEUES": "left,right:side"]) { service, redis in
            func enqueue(_ queue: String) async throws -> Reply {
                let headers = [("Content-Type", "application/json")]
                return try await service.call(
                    "POST",
                    "/enqueue\(queue)",
                    headers: headers,
                    body: Array(#"{"frame_id":"f"}"#.utf8)
                )
            }
            for (queue, name) in [
                ("", "left"), ("?queue=left", "left"), ("?queue=right:side", "right:side"),
                ("?queue=right%3Aside", "right:side"),
            ] {
                let reply = try await enqueue(queue)
                #expect(try reply.json()["queue"] == .string(name), "\(reply.text)")
            }
            #expect(try await service.get("/queue/size?queue=right:side").json()["size"]?.integer == 2)
            #expect(try await service.get("/dequeue?queue=right:side&wait=0").json()["frame"] != nil)
            #expect(try await service.get("/queue/size").json()["size"]?.integer == 2)
            for name in ["other", "Left", "left%20", "frames:queue", "", "right"] {
                for path in ["/dequeue?wait=0&queue=\(name)", "/queue/size?queue=\(name)", "/queue-size?queue=\(name)"]
                {
                    try await service.get(path).expectProblem(404)
                }
                try await enqueue("?queue=\(name)").expectProblem(404)
            }
            let keys = Set(
                try await redis.cli("KEYS", "*").split(separator: "\n").filter { !$0.contains("{") }.map(String.init)
            )
            #expect(keys == ["left", "right:side"])
        }
    }

    @Test("is kept by no cache: neither frames nor their absence nor refusals")
    func caches() async throws {
        try await withService { service, redis in
            #expect(try await service.get("/dequeue?wait=0").header("cache-control") == "no-store")
            for accept in ["application/json", "image/*"] {
                #expect(try await service.enqueue(#"{"data":"x"}"#).header("cache-control") == "no-store")
                let reply = try await service.get("/dequeue?wait=1s", headers: [("Accept", accept)])
                #expect(reply.header("cache-control") == "no-store")
            }
            #expect(try await service.get("/dequeue?wait=0&count=3").header("cache-control") == "no-store")
            #expect(try await service.get("/queue/size").header("cache-control") == "no-store")
            // Caches may keep a 404 or a 405 unasked (RFC 9110, section 15.1).
            for (method, path) in [
                ("GET", "/dequeue?wait=x"), ("GET", "/dequeue?queue=no"), ("HEAD", "/dequeue"), ("GET", "/nothing"),
            ] {
                #expect(try await service.call(method, path).header("cache-control") == "no-store", "\(method) \(path)")
            }
            redis.kill()
            #expect(try await service.get("/dequeue?wait=0").header("cache-control") == "no-store", "503")
            #expect(try await service.get("/health").header("cache-control") == "no-store", "503")
        }
    }

    @Test("and refused is told in a problem document, in the trace of who asked")
    func problems() async throws {
        try await withService { service, redis in
            let trace = "0af7651916cd43dd8448eb211c80319c"
            let headers = [("traceparent", "00-\(trace)-b7ad6b7169203331-01")]
            let json = [("Content-Type", "application/json")]
            let refusals = [
                try await service.enqueue("{", headers: headers),
                try await service.call("POST", "/enqueue", headers: headers, body: [1]),
                try await service.get("/dequeue?wait=x", headers: headers),
                try await service.get("/dequeue", headers: headers + [("Accept", "text/html")]),
                try await service.get("/dequeue?queue=no", headers: headers),
            ]
            for (reply, status) in zip(refusals, [400, 415, 400, 406, 404]) {
                let problem = try reply.expectProblem(status)
                #expect(problem["trace_id"] == .string(trace), "\(reply.text)")
                #expect(reply.header("traceparent")?.hasPrefix("00-\(trace)-") == true)
            }
            let own = try await service.call("POST", "/enqueue", headers: json, body: Array("{".utf8)).expectProblem(
                400
            )
            #expect(own["trace_id"]?.string?.wholeMatch(of: /[0-9a-f]{32}/) != nil)
            redis.kill()
            let away = try await service.enqueue(#"{"a":1}"#, headers: headers)
            #expect(try away.expectProblem(503)["trace_id"] == .string(trace))
            #expect(away.header("retry-after").flatMap { Int($0) } ?? 0 > 0)
        }
    }

    @Test("beyond the capacity is 429 with Retry-After, and there is room again once a frame has left")
    func full() async throws {
        try await withService(["FRAMEBUFFER_CAPACITY_FRAMES": "3"]) { service, redis in
            for number in 0..<3 { #expect(try await service.enqueue(#"{"frame_id":"\#(number)"}"#).status == 200) }
            for _ in 0..<3 {
                let reply = try await service.enqueue(#"{"frame_id":"more"}"#)
                try reply.expectProblem(429)
                #expect(reply.header("retry-after").flatMap { Int($0) } ?? 0 > 0)
            }
            #expect(try await redis.cli("XLEN", "frames:queue") == "3")
            #expect(try await service.dequeue()?["frame_id"] == .string("0"))
            #expect(try await eventually { try await service.enqueue(#"{"frame_id":"3"}"#).status == 200 })
            for number in 1...3 { #expect(try await service.dequeue()?["frame_id"] == .string("\(number)")) }
        }
    }
}

extension Substring {
    fileprivate var trimmed: String { String(drop { $0 == " " }.reversed().drop { $0 == " " }.reversed()) }
}

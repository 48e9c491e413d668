import RedisTesting
import Testing

@Suite("The parameters of dequeue")
struct ParametersTests {
    @Test("that can't be read or are out of range are 400, name themselves, and take no frame")
    func refused() async throws {
        try await withService { service, _ in
            #expect(try await service.enqueue(#"{"frame_id":"f"}"#).status == 200)
            let waits = [
                "", "x", "-1s", "-1", "61s", "60001ms", "2m", "1h", "1d", "1%20s", "s", "1ss", "1e1s", "0x1",
                "99999999999999999999s", "%C2%B2", "NaN",
            ]
            for wait in waits {
                let problem = try await service.get("/dequeue?wait=\(wait)").expectProblem(400)
                #expect(problem["detail"]?.string?.contains("wait") == true, "\(wait)")
            }
            for count in ["", "0", "101", "-1", "x", "1.5", "1e1", "%2B", "99999999999999999999", "1,2"] {
                let problem = try await service.get("/dequeue?wait=0&count=\(count)").expectProblem(400)
                #expect(problem["detail"]?.string?.contains("count") == true, "\(count)")
            }
            for query in ["wait=%zz", "%ff=1", "wait=%FF"] {
                try await service.get("/dequeue?\(query)").expectProblem(400)
            }
            let answer = try await service.get("/dequeue?wait=0").json()
            #expect(answer["frame"]?["frame_id"] == .string("f"))
            #expect(answer["deliveries"]?.integer == 1)
        }
    }

    @Test("wait says for how long, in any of its units, and it ends sooner if a frame comes")
    func wait() async throws {
        try await withService { service, _ in
            let clock = ContinuousClock()
            for (wait, least) in [
                ("0", 0), ("0s", 0), ("1ms", 1), ("300ms", 300), ("1", 1000), ("1s", 1000), ("0m", 0),
            ] {
                let (reply, time) = try await clock.timed { try await service.get("/dequeue?wait=\(wait)") }
                #expect(reply.status == 200 && reply.text == #"{"status":"empty"}"#, "\(wait): \(reply.text)")
                #expect(time >= .milliseconds(least) && time < .milliseconds(least + 2000), "\(wait): \(time)")
            }
            // A second, unless something else is said.
            let (reply, time) = try await clock.timed { try await service.get("/dequeue") }
            #expect(reply.text == #"{"status":"empty"}"#)
            #expect(time >= .seconds(1) && time < .seconds(3))
            for wait in ["60s", "1m", "60000ms", "60"] {
                let poll = Task { try await clock.timed { try await service.dequeue(wait: wait) } }
                #expect(try await service.enqueue(#"{"frame_id":"\#(wait)"}"#).status == 200)
                let (frame, time) = try await poll.value
                #expect(frame?["frame_id"] == .string(wait))
                #expect(time < .seconds(10))
            }
        }
    }

    @Test("count asks for up to so many frames, in order, each with all that is said of it")
    func count() async throws {
        try await withService { service, _ in
            for number in 0..<130 {
                #expect(try await service.enqueue(#"{"frame_id":"\#(number)","n":\#(number)}"#).status == 200)
            }
            var received: [JSON?] = []
            for (count, most) in [("1", 1), ("3", 3), ("100", 100)] {
                let reply = try await service.get("/dequeue?wait=0&count=\(count)")
                let answer = try reply.json()
                #expect(answer["status"] == .string("dequeued"))
                #expect(answer["frame"] == nil)
                guard case .array(let elements)? = answer["frames"] else {
                    Issue.record("an array of frames: \(reply.text)")
                    return
                }
                // One look into the queue need not bring all that were asked for.
                #expect((1...most).contains(elements.count), "\(count)")
                for element in elements {
                    received.append(element["frame"]?["n"])
                    #expect(element["message_id"]?.string?.wholeMatch(of: /\d+-\d+/) != nil)
                    #expect(element["trace_id"]?.string?.wholeMatch(of: /[0-9a-f]{32}/) != nil)
                    #expect(element["age_ms"]?.integer ?? -1 >= 0)
                    #expect(element["deliveries"]?.integer == 1)
                    #expect(
                        element["frame"]?["_traceparent"]?.string?.contains(element["trace_id"]?.string ?? "?") == true
                    )
                }
            }
            #expect(received.count > 4)
            while case .array(let elements)? = try await service.get("/dequeue?wait=0&count=100").json()["frames"] {
                received += elements.map { $0["frame"]?["n"] }
            }
            #expect(received == (0..<130).map { .number("\($0)") })
            #expect(try await service.get("/dequeue?wait=0&count=5").text == #"{"status":"empty"}"#)
        }
    }

    @Test("count asks for no more frames than fit in 64 MiB, and never for fewer than one")
    func bytes() async throws {
        try await withService(["FRAMEBUFFER_MAX_BODY": "80MiB"]) { service, _ in
            let megabytes = [70, 30, 30, 30]
            for (number, size) in megabytes.enumerated() {
                let body = [UInt8](repeating: 0x61, count: size << 20)
                let headers = [("Content-Type", "application/octet-stream"), ("Idempotency-Key", "\(number)")]
                // On a busy machine Redis may be silent over so much for more than a second: then it is sent again.
                let isEnqueued = try await eventually(within: .seconds(30)) {
                    try await service.call("POST", "/enqueue", headers: headers, body: body).status == 200
                }
                #expect(isEnqueued)
            }
            var received: [Int] = []
            for _ in 0..<4 where received.count < megabytes.count {
                let reply = try await service.get("/dequeue?wait=2s&count=4")
                #expect(reply.status == 200)
                // Told by their lengths: reading this as JSON would take long.
                let parts = reply.body.split(separator: UInt8(ascii: "\"")).map(\.count).filter { $0 > 1 << 20 }
                #expect(parts.count == 1 || parts.reduce(0, +) <= 64 << 20, "\(parts)")
                #expect(!parts.isEmpty)
                received += parts.map { $0 >> 20 }
            }
            #expect(received == megabytes)
        }
    }
}

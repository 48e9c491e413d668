import RedisTesting
import Testing

@Suite("The size of a queue")
struct CountsTests {
    /// What `/queue/size` says of the three that matter.
    private struct Size: Equatable {
        var size: Int?
        var waiting: Int?
        var leased: Int?
    }

    private func size(_ service: FrameBufferProcess) async throws -> Size {
        let reply = try await service.get("/queue/size")
        guard reply.status == 200 else { throw FrameBufferProcess.Failure(description: reply.text) }
        let json = try reply.json()
        return Size(size: json["size"]?.integer, waiting: json["waiting"]?.integer, leased: json["leased"]?.integer)
    }

    /// Waits until the size is as expected: settling takes a moment.
    private func expect(
        _ service: FrameBufferProcess,
        waiting: Int,
        leased: Int = 0,
        sourceLocation: SourceLocation = #_sourceLocation
    ) async throws {
        let expected = Size(size: waiting + leased, waiting: waiting, leased: leased)
        var last = Size()
        let isSo = try await eventually {
            last = try await size(service)
            return last == expected
        }
        #expect(isSo, "\(expected) was expected, and it stayed \(last)", sourceLocation: sourceLocation)
    }

    private func enqueue(_ numbers: Range<Int>, _ service: FrameBufferProcess) async throws {
        for number in numbers { #expect(try await service.enqueue(#"{"frame_id":"\#(number)"}"#).status == 200) }
    }

    @Test("leaves out what is settled, deleted or trimmed: it is what a drain finds")
    func truth() async throws {
        try await withService { service, redis in
            try await enqueue(0..<10, service)
            #expect(try await size(service) == Size(size: 10, waiting: 10, leased: 0))
            for number in 0..<4 { #expect(try await service.dequeue()?["frame_id"] == .string("\(number)")) }
            try await expect(service, waiting: 6)
            // Redis does not know the lag of a group from which an unread entry was deleted.
            let entries = try await redis.entries()
            try await redis.cli("XDEL", "frames:queue", entries[2].id)
            try await expect(service, waiting: 5)
            try await redis.cli("XTRIM", "frames:queue", "MAXLEN", "3")
            try await expect(service, waiting: 3)
            var drained: [JSON?] = []
            while let frame = try await service.dequeue(wait: "100ms") { drained.append(frame["frame_id"]) }
            #expect(drained == [.string("7"), .string("8"), .string("9")])
            try await expect(service, waiting: 0)
            #expect(try await service.get("/queue/size").json()["oldest_age_ms"] == .null)
        }
    }

    @Test(
        "counts a frame in a caller's hands as leased until that has surely got it, and forgets it if others delete it"
    )
    func inHand() async throws {
        try await withService { service, redis in
            try await enqueue(0..<3, service)
            // For a second the reply is not known to have reached its caller.
            let connection = try RawConnection(port: service.port)
            try connection.send("GET /dequeue HTTP/1.1\r\nHost: h\r\n\r\n")
            let counted = try await eventually { try await size(service) == Size(size: 3, waiting: 2, leased: 1) }
            #expect(counted)
            try await expect(service, waiting: 2)
            // One that another client deleted while it was in hand.
            try connection.send("GET /dequeue HTTP/1.1\r\nHost: h\r\n\r\n")
            #expect(try await eventually { try await size(service).leased == 1 })
            try await redis.cli("XTRIM", "frames:queue", "MAXLEN", "1")
            try await expect(service, waiting: 1)
            #expect(try await service.dequeue()?["frame_id"] == .string("2"))
        }
    }

    @Test("is nothing where there is no stream, and 503 that names the key where there is something else")
    func noStream() async throws {
        try await withService { service, redis in
            #expect(try await eventually { try await redis.cli("EXISTS", "frames:queue") == "1" })
            try await redis.cli("DEL", "frames:queue")
            #expect(try await size(service) == Size(size: 0, waiting: 0, leased: 0))
            try await redis.cli("DEL", "frames:queue")
            try await redis.cli("SET", "frames:queue", "x")
            for path in ["/queue/size", "/queue-size", "/dequeue?wait=0", "/dequeue?wait=5s"] {
                let reply = try await service.get(path)
                #expect(
                    try reply.expectProblem(503)["detail"]?.string?.contains("frames:queue") == true,
                    "\(reply.text)"
                )
            }
            let refused = try await service.enqueue(#"{"frame_id":"f"}"#)
            #expect(try refused.expectProblem(503)["detail"]?.string?.contains("frames:queue") == true)
            #expect(try await redis.cli("GET", "frames:queue") == "x")
            #expect(try await service.get("/health").status == 503)
            #expect(try await service.get("/health/live").status == 200)
            try await redis.cli("DEL", "frames:queue")
            #expect(try await eventually(within: .seconds(5)) { try await service.get("/health").status == 200 })
            try await enqueue(0..<2, service)
            try await expect(service, waiting: 2)
            #expect(try await service.dequeue()?["frame_id"] == .string("0"))
        }
    }

    @Test("leaves out frames that only another group still wants, and never falls below nothing when they are trimmed")
    func keptForOthers() async throws {
        try await withService { service, redis in
            try await redis.cli("XGROUP", "CREATE", "frames:queue", "audit", "0", "MKSTREAM")
            try await enqueue(0..<3, service)
            for _ in 0..<3 { #expect(try await service.dequeue() != nil) }
            try await expect(service, waiting: 0)
            #expect(try await redis.cli("XLEN", "frames:queue") == "3")
            try await redis.cli("XTRIM", "frames:queue", "MAXLEN", "0")
            try await expect(service, waiting: 0)
            try await enqueue(3..<5, service)
            try await expect(service, waiting: 2)
        }
    }

    @Test("stands in each reply of enqueue, and tells bytes and the age of the oldest frame")
    func details() async throws {
        try await withService { service, redis in
            var empty = try await service.get("/queue/size").json()
            #expect(empty["bytes"]?.integer != nil)
            #expect(empty["oldest_age_ms"] == .null)
            for number in 1...3 {
                let reply = try await service.enqueue(#"{"frame_id":"\#(number)","timestamp":1000}"#)
                #expect(try reply.json()["queue_size"]?.integer == number)
            }
            let isMeasured = try await eventually {
                empty = try await service.get("/queue/size").json()
                // Captured at the seventeenth minute of 1970.
                return empty["oldest_age_ms"]?.integer ?? 0 > 1_700_000_000_000 && empty["bytes"]?.integer ?? 0 > 0
            }
            #expect(isMeasured, "\(empty)")
            #expect(empty["queue"] == .string("frames:queue"))
            #expect(empty["capacity"]?.integer == 10_000)
            #expect(empty["dead"]?.integer == 0)
        }
    }
}

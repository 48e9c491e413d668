import RedisTesting
import Testing

@Suite("A request's body")
struct BodiesTests {
    private static let limit = 64 << 10

    private func withLimit(_ body: (FrameBufferProcess, RedisServer) async throws -> Void) async throws {
        try await withService(["FRAMEBUFFER_MAX_BODY": "64KiB"], body)
    }

    private func head(_ fields: String..., type: String = "image/jpeg") -> String {
        let lines = ["POST /enqueue HTTP/1.1", "Host: h", "Content-Type: \(type)"] + fields
        return lines.joined(separator: "\r\n") + "\r\n\r\n"
    }

    private func chunks(_ size: Int, of chunk: Int = 8 << 10) -> [UInt8] {
        var bytes: [UInt8] = []
        for start in stride(from: 0, to: size, by: chunk) {
            let count = min(chunk, size - start)
            bytes +=
                Array("\(String(count, radix: 16))\r\n".utf8) + [UInt8](repeating: 0x61, count: count)
                + Array("\r\n".utf8)
        }
        return bytes + Array("0\r\n\r\n".utf8)
    }

    @Test("of exactly the limit is taken, and one byte more is 413, by its length and in chunks alike")
    func limit() async throws {
        try await withLimit { service, redis in
            for (size, status) in [(Self.limit, 200), (Self.limit + 1, 413), (2 * Self.limit, 413)] {
                for isChunked in [false, true] {
                    let connection = try RawConnection(port: service.port)
                    let length = isChunked ? "Transfer-Encoding: chunked" : "Content-Length: \(size)"
                    try connection.send(head(length))
                    // All of it: a server that resets would break this, or the reading of its answer.
                    try connection.send(isChunked ? chunks(size) : [UInt8](repeating: 0x61, count: size))
                    let reply = try #require(try connection.response())
                    #expect(reply.status == status, "\(size) bytes, chunked: \(isChunked): \(reply.text)")
                    if status == 413 { try reply.expectProblem(413) }
                }
            }
            let entries = try await redis.entries()
            #expect(entries.map { $0["data"]?.utf8.count } == [Self.limit, Self.limit])
        }
    }

    @Test(
        "over the limit is refused before it is sent where the client asks first; one within it is asked for at once"
    )
    func expectContinue() async throws {
        try await withLimit { service, redis in
            var connection = try RawConnection(port: service.port)
            try connection.send(head("Expect: 100-continue", "Content-Length: \(2 * Self.limit)"))
            try #require(try connection.response()).expectProblem(413)

            connection = try RawConnection(port: service.port)
            for length in ["Content-Length: \(Self.limit)", "Transfer-Encoding: chunked"] {
                try connection.send(head("Expect: 100-continue", length))
                let start = ContinuousClock.now
                #expect(try connection.response()?.status == 100)
                // curl waits a second for it before it sends unasked.
                #expect(ContinuousClock.now - start < .milliseconds(800))
                let isChunked = length.hasPrefix("T")
                try connection.send(isChunked ? chunks(Self.limit) : [UInt8](repeating: 0x61, count: Self.limit))
                #expect(try connection.response()?.status == 200)
            }
            // In chunks it shows only later that it is too much: then there is no 100 to wait for.
            try connection.send(head("Transfer-Encoding: chunked"))
            try connection.send(chunks(2 * Self.limit))
            try #require(try connection.response()).expectProblem(413)
            #expect(try await redis.cli("XLEN", "frames:queue") == "2")
        }
    }

    @Test("of two megabytes with Expect is taken without a pause")
    func large() async throws {
        try await withService { service, _ in
            let size = 2 << 20
            let connection = try RawConnection(port: service.port)
            let start = ContinuousClock.now
            try connection.send(head("Expect: 100-continue", "Content-Length: \(size)"))
            #expect(try connection.response()?.status == 100)
            try connection.send([UInt8](repeating: 0xFF, count: size))
            #expect(try connection.response()?.status == 200)
            #expect(ContinuousClock.now - start < .milliseconds(900))
        }
    }

    @Test("far over the limit costs no memory, even if its sender reads nothing before all is sent")
    func memory() async throws {
        try await withLimit { service, _ in
            #expect(try await service.get("/health/live").status == 200)
            let before = try service.peakMemory
            let bytes = chunks(40 << 20, of: 1 << 20)
            for length in ["Transfer-Encoding: chunked", "Content-Length: \(bytes.count)"] {
                let head = head(length)
                let reply = try await RawConnection.blocking {
                    let connection = try RawConnection(port: service.port)
                    try connection.send(head)
                    try connection.send(bytes)
                    return try connection.response()
                }
                try #require(reply).expectProblem(413)
            }
            let growth = try service.peakMemory - before
            #expect(growth < 16 << 20, "\(growth) bytes")
        }
    }

    @Test("that was refused is never read as a request: the connection answers the next one truly, or is closed")
    func leftovers() async throws {
        try await withLimit { service, redis in
            let hidden = "GET /dequeue?wait=0 HTTP/1.1\r\nHost: hidden\r\n\r\n"
            let padding = String(repeating: hidden, count: 2 * Self.limit / hidden.utf8.count)
            let live = "GET /health/live HTTP/1.1\r\nHost: h\r\n\r\n"
            let tooLong = head("Content-Length: \(padding.utf8.count)") + padding
            let cases: [(String, Int)] = [
                (tooLong, 413),
                (head("Content-Length: \(hidden.utf8.count)", type: "text/plain") + hidden, 415),
                (head("Content-Length: \(hidden.utf8.count)", "Content-Encoding: gzip") + hidden, 415),
                (head("Content-Length: \(hidden.utf8.count)", type: "application/json") + hidden, 400),
                (head("Content-Length: x") + hidden, 400),
                (head("Content-Length: -5") + hidden, 400),
                (head("Content-Length: 5", "Content-Length: 6") + hidden, 400),
                (head("Transfer-Encoding: chunked") + "zz\r\n" + hidden, 400),
                (
                    head("Content-Length: \(hidden.utf8.count)", "Transfer-Encoding: chunked") + "0\r\n\r\n" + hidden,
                    400
                ),
                (head("Transfer-Encoding: chunked", "Content-Length: 4") + "0\r\n\r\n" + hidden, 400),
                (head("Transfer-Encoding: gzip, chunked") + "0\r\n\r\n" + hidden, 501),
            ]
            for (request, status) in cases {
                let connection = try RawConnection(port: service.port)
                let reply: Reply? = try await RawConnection.blocking {
                    try connection.send(request)
                    try connection.send(live)
                    return try connection.response()
                }
                let first = try #require(reply, "\(request.prefix(160))")
                #expect(first.status == status, "\(request.prefix(160)): \(first.text)")
                let mustClose = first.status == 413 || first.status == 501 || request.contains("Transfer-Encoding")
                var next = try await RawConnection.blocking { try connection.response() }
                if mustClose { #expect(next == nil, "\(request.prefix(160)): \(next?.text ?? "")") }
                if let answer = next {
                    #expect(try answer.json()["status"] == .string("alive"), "\(request.prefix(160)): \(answer.text)")
                    // And that was all.
                    connection.shutdownSending()
                    next = try await RawConnection.blocking { try connection.response() }
                    #expect(next == nil, "\(request.prefix(160)): \(next?.text ?? "")")
                }
            }
            #expect(try await redis.cli("XLEN", "frames:queue") == "0")
        }
    }
}

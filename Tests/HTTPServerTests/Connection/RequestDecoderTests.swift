import NIOCore
import NIOEmbedded
import NIOHTTP1
import Testing

@testable import HTTPServer

@Suite("The decoder")
struct RequestDecoderTests {
    /// Decodes requests whose bytes come in parts of a random size, and puts what it finds into words.
    private func decode(
        _ text: String,
        _ configuration: HTTPServerConfiguration = .init(),
        in sizes: ClosedRange<Int> = 1000...1000
    ) -> [String] {
        decode(Array(text.utf8), configuration, in: sizes)
    }

    private func decode(
        _ bytes: [UInt8],
        _ configuration: HTTPServerConfiguration = .init(),
        in sizes: ClosedRange<Int> = 1000...1000
    ) -> [String] {
        var decoder = RequestDecoder(configuration: configuration)
        var found = Transcript()
        var isLast = false
        var rest = ByteBuffer(bytes: bytes)
        while rest.readableBytes > 0, let part = rest.readSlice(length: min(rest.readableBytes, .random(in: sizes))) {
            decoder.append(part)
            do throws(HTTPProblem) {
                while !isLast || found.isOpen, let part = try decoder.next() {
                    switch part {
                    case .head(let head):
                        found.head(head.method, head.target, head.version, head.fields.all("x"))
                        let framing = try RequestFraming(head, maximumBodySize: .max)
                        decoder.expectBody(framing.bodyLength)
                        isLast = framing.persistence == .close
                    case .body(let part): found.body(part)
                    case .end: found.end()
                    }
                }
            } catch {
                return found.requests + ["\(error.status.code)"]
            }
        }
        return found.requests + (decoder.isInsideHead ? ["inside a head"] : [])
    }

    @Test(
        "Heads, bodies and chunks are found, however the bytes are split",
        arguments: [1...1, 2...3, 1...40, 1000...1000]
    )
    func parts(sizes: ClosedRange<Int>) {
        let requests = decode(
            "GET /a?b=%20 HTTP/1.1\r\nHost: h\r\nX: 1\r\nx:\t 2 \t\r\nX:\r\n\r\n"
                + "\r\n\r\nPOST http://h/p HTTP/1.0\r\nContent-Length: 5\r\nConnection: Keep-Alive\r\n\r\nab\r\nc"
                + "PATCH * HTTP/1.1\r\nhOST: h\r\nTransfer-Encoding: chunked\r\n\r\n"
                + "003\r\nabc\r\nA ;a=\"b\"\r\n0123456789\r\n1;x\r\n!\r\n0\r\nTrailer: x\r\n\r\n"
                + "M-SEARCH /\u{E9} HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            in: sizes
        )
        #expect(
            requests == [
                "GET /a?b=%20 1.1 [1,2,] ''", "POST http://h/p 1.0 [] 'ab\r\nc'", "PATCH * 1.1 [] 'abc0123456789!'",
                "M-SEARCH /\u{E9} 1.1 [] ''",
            ]
        )
    }

    @Test(
        "What could be read in two ways, or in none, is refused",
        arguments: [
            ("GET / HTTP/1.1\nHost: h\n\n", 400),
            ("GET / HTTP/1.1\r\nHost: h\n\r\n", 400),
            ("GET / HTTP/1.1\r\nHost: h\r\n\n", 400),
            ("GET / HTTP/1.1\r\nHost: h\r\nX: a\rb\r\n\r\n", 400),
            ("GET / HTTP/1.1\r\nHost: h\r\nX: a\u{0}b\r\n\r\n", 400),
            ("GET / HTTP/1.1\r\nHost: h\r\nX: a\u{7F}b\r\n\r\n", 400),
            ("GET / HTTP/1.1\r\nHost: h\r\nX: a\r\n b\r\n\r\n", 400),
            ("GET / HTTP/1.1\r\n Host: h\r\n\r\n", 400),
            ("GET / HTTP/1.1\r\nHost : h\r\n\r\n", 400),
            ("GET / HTTP/1.1\r\nHost\r\n\r\n", 400),
            ("GET / HTTP/1.1\r\n: h\r\n\r\n", 400),
            ("GET / HTTP/1.1\r\nH\u{E9}: h\r\n\r\n", 400),
            ("GET /a b HTTP/1.1\r\nHost: h\r\n\r\n", 400),
            ("GET /\tb HTTP/1.1\r\nHost: h\r\n\r\n", 400),
            ("GET  / HTTP/1.1\r\nHost: h\r\n\r\n", 400),
            ("GET / HTTP/1.1 \r\nHost: h\r\n\r\n", 505),
            ("GET / HTTP/1.10\r\nHost: h\r\n\r\n", 505),
            ("GET / HTTP/1.\r\nHost: h\r\n\r\n", 505),
            ("GET / HTTP/0.9\r\nHost: h\r\n\r\n", 505),
            ("GET / http/1.1\r\nHost: h\r\n\r\n", 400),
            ("GET /\r\nHost: h\r\n\r\n", 400),
            ("GET\r\n\r\n", 400),
            (" GET / HTTP/1.1\r\nHost: h\r\n\r\n", 400),
            ("\u{16}\u{3}\u{1}", 400),
            ("\rGET / HTTP/1.1\r\nHost: h\r\n\r\n", 400),
            ("GET / HTTP/1.1\r\nHost: h\r\n\rX: a\r\n\r\n", 400),
            ("GET a HTTP/1.1\r\nHost: h\r\n\r\n", 400),
            ("GET h:80 HTTP/1.1\r\nHost: h\r\n\r\n", 400),
            ("GET :// HTTP/1.1\r\nHost: h\r\n\r\n", 400),
        ]
    )
    func refused(text: String, status: Int) {
        #expect(decode(text) == ["\(status)"])
        #expect(decode(text, in: 1...1) == ["\(status)"])
    }

    @Test(
        "A chunked body that is not as it says is refused",
        arguments: [
            "\r\n", "x\r\n", "-1\r\na\r\n", "0x1\r\na\r\n", "1 \na\r\n", "1\na\r\n", "1 2\r\na\r\n", "1 \r\na\r\n",
            "1,\r\na\r\n",
            "1\r\nab\r\n", "1\r\na\n0\r\n\r\n", "1\r\na0\r\n\r\n", "1000000000000000\r\n", "FFFFFFFFFFFFFFFFFFFF\r\n",
            "0\r\nTrailer: x\n\r\n", "0\r\nTrailer\r\n\r\n", "0\r\nT: x\ry\r\n\r\n", "0\r\n\rT: x\r\n\r\n",
            "1;\u{0}\r\na\r\n", "1\r;\r\na\r\n", "1;\(String(repeating: "x", count: 2000))\r\na\r\n", "0\r\n\n",
        ]
    )
    func chunks(text: String) {
        let head = "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
        #expect(decode(head + text, in: 5000...5000) == ["400"])
        #expect(decode(head + text, in: 1...1) == ["400"])
    }

    @Test(
        "A head may be as large as its limit and no larger, whether its end is known or not",
        arguments: [1, 7, 1000]
    )
    func headSize(size: Int) {
        var configuration = HTTPServerConfiguration()
        configuration.maximumHeadSize = 100
        let start = "GET / HTTP/1.1\r\nHost: h\r\nX: "
        func head(of count: Int) -> String {
            start + String(repeating: "x", count: count - start.utf8.count - 4) + "\r\n\r\n"
        }
        #expect(decode(head(of: 100), configuration, in: size...size).count == 1)
        #expect(decode(head(of: 100), configuration, in: size...size) != ["431"])
        #expect(decode(head(of: 101), configuration, in: size...size) == ["431"])
        #expect(decode(String(repeating: "G", count: 101), configuration, in: size...size) == ["431"])
        #expect(decode(String(repeating: "G", count: 100), configuration, in: size...size) == ["inside a head"])
    }

    @Test("A head may have as many fields as its limit, and trailers as many bytes")
    func counts() {
        var configuration = HTTPServerConfiguration()
        configuration.maximumHeadFields = 3
        configuration.maximumHeadSize = 200
        let head = "GET / HTTP/1.1\r\nHost: h\r\nX: 1\r\nX: 2\r\n"
        #expect(decode(head + "\r\n", configuration) == ["GET / 1.1 [1,2] ''"])
        #expect(decode(head + "X: 3\r\n\r\n", configuration) == ["431"])
        let chunked = "GET / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n"
        let trailer = "T: \(String(repeating: "t", count: 40))\r\n"
        #expect(decode(chunked + trailer + trailer + "\r\n", configuration).count == 1)
        #expect(decode(chunked + String(repeating: trailer, count: 5) + "\r\n", configuration) == ["400"])
    }

    @Test("An empty line before a head is no beginning of one")
    func emptyLines() {
        #expect(decode("\r\n\r\n") == [])
        #expect(decode("\r\n\r\nG") == ["inside a head"])
        #expect(decode("\r") == ["inside a head"])
    }

    @Test("What is taken, the parser of Node.js takes too, and finds the same in it")
    func agreement() throws {
        let seed = UInt64.random(in: .min ... .max)
        var generator = SeededGenerator(seed: seed)
        let valid = Array(
            ("POST /a?b=c HTTP/1.1\r\nHost: h\r\nX: a b\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nT: u\r\n\r\n"
                + "POST /b HTTP/1.0\r\nContent-Length: 5\r\nx:\r\nConnection: keep-alive\r\n\r\nabcde"
                + "PUT http://h/c HTTP/1.1\r\nHost: h\r\nX: ,=\r\nContent-Length: 3\r\n\r\nxyz").utf8
        )
        // Without what they are stricter about than RFC 9112 is: a tab behind a value, a `;` without an extension.
        let alphabet = Array(" \r\n:,=0123456789abcdefABCDEFHTP/.+-xX%?\u{0}\u{7F}".utf8)
        for _ in 0..<3000 {
            var bytes = valid
            for _ in 0..<Int.random(in: 0...3, using: &generator) {
                let index = Int.random(in: bytes.indices, using: &generator)
                switch Int.random(in: 0..<4, using: &generator) {
                case 0: bytes[index] = alphabet.randomElement(using: &generator) ?? 0
                case 1: bytes.remove(at: index)
                case 2: bytes.insert(bytes[index], at: index)
                default: bytes.insert(alphabet.randomElement(using: &generator) ?? 0, at: index)
                }
            }
            // They know fewer methods.
            let ours = decode(bytes, in: 1...200).prefix { $0.hasPrefix("POST ") || $0.hasPrefix("PUT ") }
            #expect(
                try theirs(bytes).starts(with: ours),
                "seed \(seed): \(String(decoding: bytes, as: UTF8.self).debugDescription)"
            )
        }
    }

    private func theirs(_ bytes: [UInt8]) throws -> [String] {
        let channel = EmbeddedChannel()
        let decoder = HTTPRequestDecoder(leftOverBytesStrategy: .dropBytes)
        try channel.pipeline.syncOperations.addHandler(ByteToMessageHandler(decoder))
        _ = try? channel.writeInbound(ByteBuffer(bytes: bytes))
        var found = Transcript()
        while let part = try channel.readInbound(as: HTTPServerRequestPart.self) {
            switch part {
            case .head(let head):
                // They leave blanks behind a value, which RFC 9110, section 5.5, doesn't count to it.
                let values = head.headers["x"].map { String($0.reversed().drop { " \t".contains($0) }.reversed()) }
                found.head(head.method, head.uri, head.version, values)
            case .body(let part): found.body(part)
            case .end: found.end()
            }
        }
        _ = try? channel.finish(acceptAlreadyClosed: true)
        return found.requests
    }
}

/// Whole requests in words.
private struct Transcript {
    private(set) var requests: [String] = []
    private(set) var isOpen = false
    private var current = ""
    private var content = ByteBuffer()

    mutating func head(_ method: HTTPMethod, _ target: String, _ version: HTTPVersion, _ fields: [String]) {
        current = "\(method.rawValue) \(target) \(version.major).\(version.minor) [\(fields.joined(separator: ","))]"
        content.clear()
        isOpen = true
    }

    mutating func body(_ part: ByteBuffer) {
        content.writeImmutableBuffer(part)
    }

    mutating func end() {
        requests.append("\(current) '\(String(buffer: content))'")
        isOpen = false
    }
}

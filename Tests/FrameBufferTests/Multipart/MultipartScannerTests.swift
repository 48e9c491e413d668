import NIOCore
import Testing

@testable import FrameBuffer

@Suite("A form of several parts")
struct MultipartScannerTests {
    private static let head = #"Content-Disposition: form-data; name="a""# + "\r\n\r\n"

    /// Name, file's name, type and content of each part.
    private func parts(_ body: [UInt8], boundary: String = "b") throws(FrameError) -> [[String?]] {
        try ByteBuffer(bytes: body).withUnsafeReadableBytes { memory throws(FrameError) in
            let bytes = RawText(memory)
            var scanner = try MultipartScanner(bytes, boundary: boundary)
            var parts: [[String?]] = []
            while let part = try scanner.next() {
                parts.append([
                    String(decoding: part.name, as: UTF8.self),
                    part.fileName.map { String(decoding: $0, as: UTF8.self) },
                    part.contentType.map { bytes[$0].string }, bytes[part.content].string,
                ])
            }
            return parts
        }
    }

    private func parts(_ body: String, boundary: String = "b") throws(FrameError) -> [[String?]] {
        try parts(Array(body.utf8), boundary: boundary)
    }

    private func fault(_ body: String, boundary: String = "b") -> FrameError? {
        do throws(FrameError) {
            _ = try parts(body, boundary: boundary)
            return nil
        } catch {
            return error
        }
    }

    @Test("is read as curl writes it")
    func curl() throws {
        let boundary = "------------------------d74496d66958873e"
        let body = """
            --\(boundary)\r
            Content-Disposition: form-data; name="camera_id"\r
            \r
            cam01\r
            --\(boundary)\r
            Content-Disposition: form-data; name="image"; filename="a b.jpg"\r
            Content-Type: image/jpeg\r
            \r
            \u{0}\r\n--x\r
            --\(boundary)--\r

            """
        #expect(
            try parts(body, boundary: boundary) == [
                ["camera_id", nil, nil, "cam01"], ["image", "a b.jpg", "image/jpeg", "\u{0}\r\n--x"],
            ]
        )
    }

    @Test("is read as browsers write it: quotes and line ends in names are percent-encoded, other text is as it is")
    func browser() throws {
        let boundary = "----WebKitFormBoundaryAbC123"
        let body = """
            --\(boundary)\r
            Content-Disposition: form-data; name="a%22b%0D%0Ac%41%"\r
            \r
            é\r
            --\(boundary)\r
            Content-Disposition: form-data; name="file"; filename="C:\\dir\\é.png"\r
            Content-Type: image/png\r
            \r
            x\r
            --\(boundary)--
            """
        #expect(
            try parts(body, boundary: boundary) == [
                ["a\"b\r\nc%41%", nil, nil, "é"], ["file", #"C:\dir\é.png"#, "image/png", "x"],
            ]
        )
    }

    @Test(
        "may have what RFC 2046 and other clients put around its parts",
        arguments: [
            "--b\r\n\(head)x\r\n--b--", "\r\n--b\r\n\(head)x\r\n--b--\r\n",
            "preamble\r\n--b\r\n\(head)x\r\n--b--epilogue\r\n--b",
            "--b \t\r\n\(head)x\r\n--b--", "--bx\r\n--b\r\n\(head)x\r\n--b--",
            "--b\r\ncontent-DISPOSITION:form-data;NAME=a\r\n\r\nx\r\n--b--",
            "--b\r\nX-Other: 1\r\nContent-Disposition: Form-Data ; x=\"\\\"\"; name = \"a\" ;\r\n\r\nx\r\n--b--",
            "--b\r\nContent-Transfer-Encoding: BINARY\r\n\(head)x\r\n--b--",
            "--b\r\nContent-Type:\r\n\(head)x\r\n--b--",
        ]
    )
    func tolerated(body: String) throws {
        #expect(try parts(body) == [["a", nil, nil, "x"]])
    }

    @Test(
        "keeps content that looks like a boundary, and is none",
        arguments: [
            "", "\r\n", "\r", "\r\n--", "\r\n-b", "\r\n--c", "--bx", "\n--b", "\r\n--bb", "\r\n--b-", "\r\n--b x",
            "\r\r\n\r\n",
        ]
    )
    func lookalikes(content: String) throws {
        #expect(try parts("--b\r\n\(Self.head)\(content)\r\n--b--") == [["a", nil, nil, content]])
        #expect(
            try parts("--b\r\n\(Self.head)\(content)\r\n--b\r\n\(Self.head)2\r\n--b--") == [
                ["a", nil, nil, content], ["a", nil, nil, "2"],
            ]
        )
    }

    @Test("may have a part without content, with or without the line end before the boundary; or no part at all")
    func empty() throws {
        #expect(try parts("--b\r\n\(Self.head)\r\n--b--") == [["a", nil, nil, ""]])
        #expect(
            try parts("--b\r\nContent-Disposition: form-data; name=a\r\n\r\n--b--") == [["a", nil, nil, ""]]
        )
        #expect(try parts("--b--") == [])
    }

    @Test(
        "is refused with the reason and the byte where it is malformed",
        arguments: [
            ("", 0, "boundary"), ("x", 0, "boundary"), ("--c--", 0, "boundary"), ("--b", 0, "boundary"),
            ("--b\r\n", 5, "headers"), ("--b\r\n\r\nx\r\n--b--", 5, "Content-Disposition"),
            ("--b\r\n\(head)x", 5, "no end"), ("--b\r\n\(head)x\r\n--b", 5, "no end"),
            ("--b\r\n\(head)x\n--b--", 5, "no end"),
            ("--b\r\nnonsense\r\n\r\nx\r\n--b--", 5, "colon"),
            ("--b\r\nContent-Disposition: attachment; name=a\r\n\r\nx\r\n--b--", 5, "form-data"),
            ("--b\r\nContent-Disposition: form-data; name=\"a\r\n\r\nx\r\n--b--", 5, "form-data"),
            ("--b\r\nContent-Disposition: form-data; =a\r\n\r\nx\r\n--b--", 5, "form-data"),
            ("--b\r\nContent-Disposition: form-data; name=a b\r\n\r\nx\r\n--b--", 5, "form-data"),
            ("--b\r\nContent-Disposition: form-data; filename=a\r\n\r\nx\r\n--b--", 5, "name"),
            ("--b\r\nContent-Transfer-Encoding: base64\r\n\(head)x\r\n--b--", 5, "Transfer-Encoding"),
            ("--b\r\nX: \(String(repeating: "x", count: 8200))\r\n\(head)x\r\n--b--", 5, "longer than 8192"),
            ("--b\r\n\(head)x\r\n--b\r\n\r\ny\r\n--b--", 57, "Content-Disposition"),
        ]
    )
    func malformed(body: String, offset: Int, reason: String) throws {
        let error = try #require(fault(body))
        #expect(error.code == .invalidMultipart)
        #expect(error.offset == offset, "\(error)")
        #expect(error.message.contains(reason), "\(error)")
    }

    @Test("has a boundary of 1 to 70 of the characters that are allowed in one")
    func boundaries() throws {
        for boundary in [String(repeating: "x", count: 70), "a b", "'()+_,-./:=?", "0"] {
            #expect(try parts("--\(boundary)\r\n\(Self.head)x\r\n--\(boundary)--", boundary: boundary).count == 1)
        }
        for boundary in ["", String(repeating: "x", count: 71), "a ", "é", "a\"b", "a\r\nb", "a;b"] {
            #expect(fault("--\(boundary)--", boundary: boundary)?.code == .invalidMultipart, "\(boundary)")
        }
    }

    /// Whether a line of the content is the boundary.
    private func isEnded(_ content: String) -> Bool {
        let bytes = Array("\r\n\(content)\r\n".utf8)
        return bytes.indices.contains { index in
            guard bytes[index...].starts(with: "\r\n--b".utf8) else { return false }
            let rest = bytes[(index + 5)...]
            return rest.starts(with: "--".utf8) || rest.drop { $0 == 0x20 || $0 == 0x09 }.starts(with: "\r\n".utf8)
        }
    }

    @Test("of random parts comes out as it went in; cut short it is refused, and no byte of it does harm")
    func random() throws {
        let seed = UInt64.random(in: .min ... .max)
        var generator = SeededGenerator(seed: seed)
        let pieces = [
            "\r\n", "\r", "\n", "--", "b", "\r\n--b", "\r\n--", " ", "\0", "é", "x", ":", ";", "\"", "\r\n\r\n",
        ]
        func text(_ count: Int) -> String {
            (0..<count).map { _ in pieces.randomElement(using: &generator) ?? "" }.joined()
        }
        for _ in 0..<300 {
            var body = ""
            var expected: [[String?]] = []
            for number in 0..<Int.random(in: 1...4, using: &generator) {
                // What ends a part in earnest can't be in one.
                var content = text(Int.random(in: 0...30, using: &generator))
                while isEnded(content) { content = text(Int.random(in: 0...30, using: &generator)) }
                body += "--b\r\nContent-Disposition: form-data; name=\"n\(number)\"\r\n\r\n\(content)\r\n"
                expected.append(["n\(number)", nil, nil, content])
            }
            body += "--b--"
            #expect(try parts(body) == expected, "seed \(seed)")
            let bytes = Array(body.utf8)
            let cut = Array(bytes.prefix(Int.random(in: 0..<bytes.count, using: &generator)))
            let rest = try? parts(cut)
            #expect(rest == nil, "seed \(seed)")
            var spoiled = bytes
            for _ in 0..<3 {
                spoiled[Int.random(in: 0..<bytes.count, using: &generator)] = .random(
                    in: .min ... .max,
                    using: &generator
                )
            }
            // Whatever comes of it: every part lies in the body, or reading it would have stopped the test.
            let found = (try? parts(spoiled)) ?? []
            #expect(found.count <= bytes.count / 4, "seed \(seed)")
        }
    }
}

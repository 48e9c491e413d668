import RedisTesting
import Testing

@Suite("A form with a file")
struct FormUploadsTests {
    /// As curl -F and browsers write it.
    private static func body(
        _ fields: [(String, String)],
        file: [UInt8]? = nil,
        named name: String = "image",
        type: String = "image/jpeg",
        boundary: String
    ) -> [UInt8] {
        var body: [UInt8] = []
        for (name, value) in fields {
            body += Array("--\(boundary)\r\nContent-Disposition: form-data; name=\"\(name)\"\r\n\r\n\(value)\r\n".utf8)
        }
        if let file {
            let disposition = "Content-Disposition: form-data; name=\"\(name)\"; filename=\"a.jpg\""
            body +=
                Array("--\(boundary)\r\n\(disposition)\r\nContent-Type: \(type)\r\n\r\n".utf8) + file
                + Array("\r\n".utf8)
        }
        return body + Array("--\(boundary)--\r\n".utf8)
    }

    private static func picture(_ size: Int, seed: UInt64) -> [UInt8] {
        var generator = SeededGenerator(seed: seed)
        var bytes: [UInt8] = [0xFF, 0xD8, 0xFF, 0xE0]
        while bytes.count < size {
            bytes += (0..<50).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
            bytes += Array(["\r\n--", "\r\n", "\0\0", "--b--"].randomElement(using: &generator)?.utf8 ?? "".utf8)
        }
        return bytes
    }

    @Test("is a frame: the file is the payload, byte for byte with its type, the other parts are fields")
    func frame() async throws {
        let seed = UInt64.random(in: .min ... .max)
        try await withService { service, redis in
            let boundaries = ["------------------------d74496d66958873e", "----WebKitFormBoundaryAbC123", "a b", "b"]
            for (number, boundary) in boundaries.enumerated() {
                let picture = Self.picture(number == 0 ? 1 << 20 : 5000, seed: seed)
                let fields = [("camera_id", "cam01"), ("frame_id", "f\(number)"), ("note", "é\r\nb")]
                let name = number == 1 ? "data" : "image"
                let body = Self.body(fields, file: picture, named: name, boundary: boundary)
                let parameter = number == 2 ? "\"\(boundary)\"" : boundary
                let reply = try await service.upload(body, type: "Multipart/Form-Data; Boundary=\(parameter)")
                #expect(reply.status == 200, "\(reply.text)")
                let answer = try reply.json()
                #expect(answer["status"] == .string("enqueued"))
                #expect(answer["frame_id"] == .string("f\(number)"))
                let id = try #require(answer["message_id"]?.string)
                #expect(try await redis.bytes(of: "data", in: id) == picture, "seed \(seed)")
                let out = try await service.get("/dequeue?wait=5s", headers: [("Accept", "image/*")])
                #expect(out.body == picture, "seed \(seed)")
                #expect(out.header("content-type") == "image/jpeg")
                #expect(out.header("x-frame-id") == "f\(number)")
                #expect(out.header("x-frame-camera-id") == "cam01")
            }
            let reply = try await service.upload(
                Self.body([("note", "é\r\nb"), ("empty", "")], boundary: "b"),
                type: "multipart/form-data; charset=utf-8; boundary=b; x=y"
            )
            #expect(reply.status == 200, "\(reply.text)")
            let frame = try #require(try await service.dequeue())
            #expect(frame["note"] == .string("é\r\nb"))
            #expect(frame["empty"] == .string(""))
            #expect(frame["data"] == nil)
        }
    }

    @Test("that is malformed, or more or less than a frame, is 400 with the reason, and nothing is stored")
    func refused() async throws {
        try await withService { service, redis in
            let whole = Self.body([("a", "1")], file: [1, 2, 3], boundary: "b")
            let many = Self.body((0..<129).map { ("f\($0)", "1") }, boundary: "b")
            let double = Self.body([("a", "1"), ("a", "2")], boundary: "b")
            let own = Self.body([("_json", "a")], boundary: "b")
            let long = Self.body([(String(repeating: "n", count: 257), "1")], boundary: "b")
            let two =
                Array("--b".utf8) + Self.body([], file: [1], boundary: "b").dropFirst(3).dropLast(7)
                + Self.body([], file: [2], boundary: "b")
            let cases: [(String, [UInt8], String)] = [
                ("boundary=b", Array(whole.dropLast(8)), "no end"), ("boundary=c", whole, "boundary"),
                ("", whole, "boundary"), ("boundary=", whole, "boundary"), ("boundary=\"b", whole, "boundary"),
                ("boundary=" + String(repeating: "b", count: 71), whole, "boundary"), ("boundary=b", [], "boundary"),
                ("boundary=b", Array("--b--".utf8), "no fields"), ("boundary=b", many, "more than 128"),
                ("boundary=b", double, "twice"), ("boundary=b", own, "own"), ("boundary=b", long, "256 bytes"),
                ("boundary=b", two, "more than one file"),
                ("boundary=b", Self.body([("frame_id", "a\u{1}")], boundary: "b"), "control"),
                ("boundary=b", Self.body([], file: [], boundary: "b"), "empty"),
            ]
            for (parameter, body, reason) in cases {
                let reply = try await service.upload(body, type: "multipart/form-data; \(parameter)")
                let problem = try reply.expectProblem(400)
                #expect(problem["detail"]?.string?.contains(reason) == true, "\(parameter.prefix(20)): \(problem)")
            }
            #expect(try await redis.cli("XLEN", "frames:queue") == "0")
            #expect(try await service.upload(whole, type: "multipart/form-data; boundary=b").status == 200)
        }
    }

    @Test("of other multipart types is a payload as any")
    func otherTypes() async throws {
        try await withService { service, redis in
            let reply = try await service.upload("--b--", type: "multipart/mixed; boundary=b", query: "?frame_id=f1")
            let id = try #require(try reply.json()["message_id"]?.string)
            #expect(try await redis.bytes(of: "data", in: id) == Array("--b--".utf8))
        }
    }
}

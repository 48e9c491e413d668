import RedisTesting
import Testing

@Suite("The limits of a frame")
struct LimitsTests {
    private static func fields(_ count: Int) -> String {
        "{" + (0..<count).map { #""f\#($0)":\#($0)"# }.joined(separator: ",") + "}"
    }

    private static func nested(_ depth: Int, _ open: String, _ close: String) -> String {
        // The frame itself is the first.
        #"{"a":"# + String(repeating: open, count: depth - 1) + "1" + String(repeating: close, count: depth - 1) + "}"
    }

    private static func name(_ bytes: Int) -> String { #"{"\#(String(repeating: "é", count: bytes / 2))":1}"# }

    private static func id(_ field: String, _ bytes: Int) -> String {
        #"{"\#(field)":"\#(String(repeating: "x", count: bytes))"}"#
    }

    @Test("let through what just meets them, unharmed")
    func met() async throws {
        try await withService { service, _ in
            let texts = [
                Self.fields(128), Self.nested(64, "[", "]"), Self.nested(64, #"{"b":"#, "}"), Self.name(256),
                Self.id("frame_id", 256), Self.id("camera_id", 256),
            ]
            for text in texts {
                let reply = try await service.enqueue(text)
                #expect(reply.status == 200, "\(reply.text)")
                guard case .object(let sent) = try JSON(text), let frame = try await service.dequeue() else {
                    Issue.record("an object was sent, and should come back: \(text)")
                    continue
                }
                for (name, value) in sent { #expect(frame[name] == value, "\(name)") }
            }
        }
    }

    /// What is refused with 400, and at which byte.
    private static let refused: [(String, ClosedRange<Int>)] = [
        // At the first field, name or bracket that is one too many.
        (fields(129), fields(128).utf8.count...fields(128).utf8.count + 1),
        (name(258), 1...2),
        (nested(65, "[", "]"), 68...69),
        (nested(65, #"{"b":"#, "}"), 5 + 63 * 5...5 + 63 * 5 + 1),
        (id("frame_id", 257), 12...13),
        (id("camera_id", 257), 13...14),
        (#"{"frame_id":"a\u0000b"}"#, 12...15),
        (#"{"frame_id":{"x":1}}"#, 12...12),
        (#"{"frame_id":true}"#, 12...12),
        // The service's own names.
        (#"{"a":1,"_json":"a"}"#, 7...8),
        (#"{"_dead_reason":"x"}"#, 1...2),
        (#"{"\u005fjson":"a"}"#, 1...2),
        // No object, or an empty one.
        ("{}", 0...1), ("[]", 0...0), (#""x""#, 0...0), ("  7", 2...2), ("null", 0...0),
        // No JSON.
        ("", 0...0), ("{", 1...1), (#"{"a"}"#, 4...4), (#"{"a":}"#, 5...5), (#"{"a":1,}"#, 7...7),
        (#"{"a":1}x"#, 7...7),
        (#"{"a":1}{"b":2}"#, 7...7), (#"{'a':1}"#, 1...1), (#"{"a":01}"#, 5...6), (#"{"a":tru}"#, 5...8),
        (#"{"a":NaN}"#, 5...5), (#"{"a":+1}"#, 5...5), (#"{"a":1.}"#, 5...7), (#"{"a":"x}"#, 5...8),
        (#"{"a":"\x"}"#, 6...7), (#"{"a":"\u12"}"#, 6...10), ("{\"a\":\"\n\"}", 6...6), ("\u{FEFF}{}", 0...0),
        (#"{"a":[1,2}"#, 9...9), (#"{"a":1 "b":2}"#, 7...7), (#"/**/{"a":1}"#, 0...0),
        // Names that stand twice, at any depth and however they are written.
        (#"{"a":1,"a":2}"#, 7...8), (#"{"a":1,"\u0061":2}"#, 7...8), (#"{"o":{"x":1,"x":2}}"#, 12...13),
        (#"{"frame_id":"a","frame_id":"b"}"#, 16...17),
        // Half a surrogate pair.
        (#"{"a":"\ud800"}"#, 6...12), (#"{"a":"\udc00\ud800"}"#, 6...18), (#"{"\ud83dx":1}"#, 2...8),
    ]

    @Test("refuse what exceeds them, or is no frame, with 400, the reason and the byte where it is")
    func exceeded() async throws {
        try await withService { service, redis in
            for (text, offset) in Self.refused {
                let reply = try await service.enqueue(text)
                let problem = try reply.expectProblem(400)
                let place = problem["offset"]?.integer
                #expect(place.map(offset.contains) == true, "\(text.prefix(60)): \(reply.text)")
            }
            #expect(try await service.enqueue(#"{"frame_id":"f"}"#).status == 200)
            #expect(try await redis.cli("XLEN", "frames:queue") == "1")
        }
    }

    @Test("refuse bytes that are no UTF-8, in names and in values")
    func bytes() async throws {
        try await withService { service, redis in
            let faulty: [[UInt8]] = [
                [0xFF], [0xC0, 0x80], [0xED, 0xA0, 0x80], [0xF4, 0x90, 0x80, 0x80], [0xE2, 0x82],
            ]
            for bytes in faulty {
                for (before, after) in [(#"{"a":"x"#, #""}"#), (#"{"x"#, #"":1}"#), (#"{"a":["x"#, #""]}"#)] {
                    let body = Array(before.utf8) + bytes + Array(after.utf8)
                    let headers = [("Content-Type", "application/json")]
                    let reply = try await service.call("POST", "/enqueue", headers: headers, body: body)
                    let problem = try reply.expectProblem(400)
                    let place = try #require(problem["offset"]?.integer, "\(problem)")
                    #expect(
                        (before.utf8.count..<before.utf8.count + bytes.count + 1).contains(place),
                        "\(bytes): \(place)"
                    )
                }
            }
            #expect(try await redis.cli("XLEN", "frames:queue") == "0")
        }
    }

    @Test("are settings")
    func settings() async throws {
        let environment = [
            "FRAMEBUFFER_MAX_FIELDS": "2", "FRAMEBUFFER_MAX_FIELD_NAME": "16", "FRAMEBUFFER_MAX_NESTING": "2",
            "FRAMEBUFFER_MAX_BODY": "100",
        ]
        try await withService(environment) { service, _ in
            for text in [#"{"a":1,"b":2}"#, #"{"a123456789012345":1}"#, #"{"a":[1]}"#] {
                #expect(try await service.enqueue(text).status == 200)
            }
            for text in [#"{"a":1,"b":2,"c":3}"#, #"{"a1234567890123456":1}"#, #"{"a":[[1]]}"#] {
                try await service.enqueue(text).expectProblem(400)
            }
            try await service.enqueue(#"{"a":"\#(String(repeating: "x", count: 100))"}"#).expectProblem(413)
        }
    }

    @Test("hold for fields beside a payload and in forms as well")
    func otherForms() async throws {
        try await withService { service, redis in
            let many = (0..<127).map { "f\($0)=1" }.joined(separator: "&")
            let long = String(repeating: "n", count: 257)
            let (form, picture) = ("application/x-www-form-urlencoded", "image/jpeg")
            let cases = [
                ("/enqueue", form, "\(many)&last=1", 200), ("/enqueue", form, "\(many)&last=1&more=1", 400),
                ("/enqueue", form, "\(long)=1", 400), ("/enqueue", form, "_json=a&a=1", 400),
                ("/enqueue?\(long)=1", picture, "x", 400), ("/enqueue?_dead_reason=1", picture, "x", 400),
                ("/enqueue?a=1&a=2", picture, "x", 400), ("/enqueue?data=1", picture, "x", 400),
                ("/enqueue?frame_id=\(long)", picture, "x", 400), ("/enqueue?\(many)&more=1&most=1", picture, "x", 400),
            ]
            for (path, type, body, status) in cases {
                let headers = [("Content-Type", type)]
                let reply = try await service.call("POST", path, headers: headers, body: Array(body.utf8))
                #expect(reply.status == status, "\(path.prefix(40)) \(body.prefix(40)): \(reply.text)")
            }
            #expect(try await redis.cli("XLEN", "frames:queue") == "1")
        }
    }
}

import Foundation
import RedisTesting
import Testing

@Suite("A payload")
struct PayloadTests {
    /// Bytes that begin as a JPEG does, with all that text would trip over.
    private static func picture(seed: UInt64, size: Int = 2000) -> [UInt8] {
        var generator = SeededGenerator(seed: seed)
        var bytes: [UInt8] = [0xFF, 0xD8, 0xFF, 0xE0, 0, 0x10]
        while bytes.count < size {
            switch Int.random(in: 0..<6, using: &generator) {
            case 0: bytes += [UInt8](repeating: 0, count: 7)
            case 1: bytes += Array("\r\n\r\n$5\r\n*1\r\n".utf8)
            case 2: bytes += [UInt8](repeating: 0xFF, count: 5)
            case 3: bytes += Array("\"\\{}é\u{2028}".utf8)
            default: bytes += (0..<40).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
            }
        }
        return bytes
    }

    private func upload(
        _ service: FrameBufferProcess,
        _ bytes: [UInt8],
        type: String?,
        query: String = "",
        headers: [(String, String)] = []
    ) async throws -> Reply {
        let type = type.map { [("Content-Type", $0)] } ?? []
        return try await service.call("POST", "/enqueue\(query)", headers: type + headers, body: bytes)
    }

    /// The bytes of a frame's payload in JSON.
    private func payload(_ frame: JSON?) throws -> [UInt8] {
        let text = try #require(frame?["data"]?.string)
        guard frame?["data_encoding"] == .string("base64") else { return Array(text.utf8) }
        return Array(try #require(Data(base64Encoded: text)))
    }

    // MARK: Memory

    @Test("that is large is kept in the memory of the ones before it, not in new pages", arguments: ["", "narenas:1"])
    func pages(allocator: String) async throws {
        try await withService(["MALLOC_CONF": allocator]) { service, _ in
            let picture = [UInt8](repeating: 0xFF, count: 10_000_000)
            for _ in 0..<3 { #expect(try await upload(service, picture, type: "image/jpeg").status == 200) }
            let before = try service.pageFaults
            for _ in 0..<5 { #expect(try await upload(service, picture, type: "image/jpeg").status == 200) }
            let faults = try service.pageFaults - before
            // One copy of one of them is 2,441 pages.
            #expect(faults < 5 * 1000)
        }
    }

    // MARK: Bytes

    @Test(
        "comes out byte for byte as it went in, in Redis, raw and in JSON: the media type decides, not the first byte"
    )
    func bytes() async throws {
        let seed = UInt64.random(in: .min ... .max)
        let types = [
            ("image/jpeg", ""), ("IMAGE/JPEG; charset=binary", ""), ("application/octet-stream", ""),
            ("image/png", "{"), ("image/jpeg", #"{"frame_id":"a"}"#), ("video/mp4", "["),
            ("application/vnd.camera+json", "{"),
        ]
        try await withService { service, redis in
            let forms = ["application/json", "image/*", "application/octet-stream"]
            for ((type, beginning), form) in types.flatMap({ type in forms.map { (type, $0) } }) {
                let picture = Array(beginning.utf8) + Self.picture(seed: seed, size: 200_000)
                let reply = try await upload(service, picture, type: type, query: "?frame_id=f1&camera_id=cam01")
                #expect(reply.status == 200, "\(reply.text)")
                let id = try #require(try reply.json()["message_id"]?.string)
                #expect(try await redis.bytes(of: "data", in: id) == picture, "seed \(seed)")
                #expect(try await redis.bytes(of: "content_type", in: id) == Array(type.utf8))
                let answer = try await service.get("/dequeue?wait=5s", headers: [("Accept", form)])
                #expect(answer.status == 200)
                guard form != "application/json" else {
                    let frame = try answer.json()["frame"]
                    #expect(try payload(frame) == picture, "seed \(seed)")
                    #expect(frame?["content_type"] == .string(type))
                    #expect(frame?["frame_id"] == .string("f1"))
                    continue
                }
                #expect(answer.body == picture, "seed \(seed)")
                #expect(answer.header("content-type") == type)
                #expect(answer.header("content-length") == "\(picture.count)")
                #expect(answer.header("x-frame-id") == "f1")
                #expect(answer.header("x-frame-camera-id") == "cam01")
                #expect(answer.header("x-message-id") == id)
                #expect(answer.header("x-frame-age-ms").flatMap { Int($0) } ?? -1 >= 0)
                let trace = try reply.json()["trace_id"]?.string
                #expect(answer.header("x-trace-id") == trace)
                #expect(answer.header("traceparent")?.contains(trace ?? "?") == true)
                #expect(answer.header("cache-control") == "no-store")
            }
        }
    }

    @Test("that came as base64 in JSON is stored decoded, and what is no base64 is refused")
    func base64() async throws {
        let picture = Self.picture(seed: 1)
        try await withService { service, redis in
            let text = Data(picture).base64EncodedString()
            let reply = try await service.enqueue(
                #"{"data":"\#(text)","data_encoding":"base64","content_type":"image/jpeg"}"#
            )
            let id = try #require(try reply.json()["message_id"]?.string)
            #expect(try await redis.bytes(of: "data", in: id) == picture)
            let answer = try await service.get("/dequeue", headers: [("Accept", "image/*")])
            #expect(answer.body == picture)
            #expect(answer.header("content-type") == "image/jpeg")
            for faulty in ["A", "AA=A", "A===", "Zm9v!", "Zm9v\\nZm9v"] {
                try await service.enqueue(#"{"data":"\#(faulty)","data_encoding":"base64"}"#).expectProblem(400)
            }
        }
    }

    @Test("has its fields from the query or from headers, and says them in headers that are printable ASCII")
    func fields() async throws {
        try await withService { service, _ in
            let headers = [("X-Frame-Id", "h1"), ("X-Frame-Camera-Id", "cam02"), ("X-Frame-Timestamp", "1700000000")]
            _ = try await upload(service, [1], type: "image/jpeg", headers: headers)
            var frame = try await service.dequeue()
            #expect(frame?["frame_id"] == .string("h1"))
            #expect(frame?["camera_id"] == .string("cam02"))
            #expect(frame?["timestamp"] == .string("1700000000"))
            let query = "?frame_id=q%201&camera_id=caf%C3%A9%2525&lens=50mm&note=a+b%26c"
            let reply = try await upload(service, [1], type: "image/jpeg", query: query, headers: headers)
            #expect(try reply.json()["frame_id"] == .string("q 1"))
            let answer = try await service.get("/dequeue", headers: [("Accept", "image/*")])
            #expect(answer.header("x-frame-id") == "q 1")
            #expect(answer.header("x-frame-camera-id") == "caf%C3%A9%2525")
            _ = try await upload(service, [1], type: "image/jpeg", query: query)
            frame = try await service.dequeue()
            #expect(frame?["lens"] == .string("50mm"))
            #expect(frame?["note"] == .string("a b&c"))
            // Neither a header of the answer nor a line of the log may be begun by a producer's text.
            let id = "x%0D%0ASet-Cookie:%20a=1"
            try await upload(service, [1], type: "image/jpeg", query: "?frame_id=\(id)").expectProblem(400)
        }
    }

    // MARK: What curl calls it

    @Test("is never what curl -d sends unasked: JSON is read as JSON, and a form as fields")
    func forms() async throws {
        try await withService { service, redis in
            let form = "application/x-www-form-urlencoded"
            for json in [#"{"frame_id":"a","n":1}"#, " \r\n\t{\"frame_id\":\"a\",\"n\":1}"] {
                let reply = try await upload(service, Array(json.utf8), type: form)
                #expect(try reply.json()["frame_id"] == .string("a"), "\(reply.text)")
                let stored = try #require(try await redis.entries().last)
                #expect(
                    stored["n"] == "1" && stored["_json"] == "n" && stored["data"] == nil
                        && stored["content_type"] == nil
                )
                #expect(try await service.dequeue()?["n"] == .number("1"))
            }
            let fields = "frame_id=b&camera_id=cam+1&note=%7B%22x%22%3A1%7D&empty="
            #expect(try await upload(service, Array(fields.utf8), type: "\(form); charset=utf-8").status == 200)
            var frame = try #require(try await service.dequeue())
            frame["_traceparent"] = nil
            #expect(
                frame == [
                    "frame_id": .string("b"), "camera_id": .string("cam 1"), "note": .string(#"{"x":1}"#),
                    "empty": .string(""),
                ]
            )
            for faulty in ["", "a=%zz", "a=1&a=2", "a=%FF&%FE=1", "{", "[", #"{"a":1"#, "frame_id=%00"] {
                try await upload(service, Array(faulty.utf8), type: form).expectProblem(400)
            }
            #expect(try await service.dequeue(wait: "0") == nil)
        }
    }

    @Test("without a type, or with text/plain, is refused with 415 that names what would do; an empty one with 400")
    func untyped() async throws {
        try await withService { service, redis in
            let picture = Self.picture(seed: 2)
            for type in [nil, "", "text/plain", "TEXT/PLAIN; charset=utf-8"] {
                for body in [picture, Array(#"{"frame_id":"a"}"#.utf8), []] {
                    let problem = try await upload(service, body, type: type).expectProblem(415)
                    let detail = problem["detail"]?.string ?? ""
                    #expect(detail.contains("Content-Type") && detail.contains("application/json"), "\(detail)")
                    #expect(detail.contains("image/jpeg"), "\(detail)")
                }
            }
            for type in ["image/jpeg", "application/json", "application/octet-stream"] {
                try await upload(service, [], type: type).expectProblem(400)
            }
            for coding in ["gzip", "br", "zstd"] {
                let headers = [("Content-Encoding", coding)]
                try await upload(service, picture, type: "image/jpeg", headers: headers).expectProblem(415)
                try await service.enqueue(#"{"a":1}"#, headers: headers).expectProblem(415)
            }
            #expect(try await redis.cli("XLEN", "frames:queue") == "0")
        }
    }

    // MARK: What is accepted

    /// What is accepted, and what comes.
    private static let accepted: [(String?, String)] = [
        (nil, "json"), ("*/*", "json"), ("application/json", "json"), ("application/*", "json"),
        ("text/html,application/xhtml+xml,*/*;q=0.8", "json"), ("image/*;q=0.1, application/json", "json"),
        ("image/*", "bytes"), ("image/jpeg", "bytes"), ("IMAGE/*", "bytes"), ("application/octet-stream", "bytes"),
        ("application/json;q=0.5, image/*", "bytes"), ("text/html, image/*", "bytes"),
        ("text/html", "406"), ("audio/*", "406"), ("application/xml", "406"), ("image/*;q=0", "406"),
        ("application/json;q=0, text/html", "406"),
    ]

    @Test(
        "is sent as bytes to who accepts pictures or bytes, in JSON to who doesn't care, and not to who wants neither"
    )
    func negotiation() async throws {
        try await withService { service, _ in
            let picture = Self.picture(seed: 3)
            for (accept, form) in Self.accepted {
                let uploaded = try await upload(service, picture, type: "image/jpeg")
                #expect(uploaded.status == 200, "\(uploaded.text)")
                let headers = accept.map { [("Accept", $0)] } ?? []
                let reply = try await service.get("/dequeue?wait=2s", headers: headers)
                switch form {
                case "json": #expect(try payload(try reply.json()["frame"]) == picture, "\(accept ?? "")")
                case "bytes": #expect(reply.body == picture, "\(accept ?? "")")
                default:
                    try reply.expectProblem(406)
                    // What can't be served is refused before a frame is taken.
                    let answer = try await service.get("/dequeue?wait=2s").json()
                    #expect(try payload(answer["frame"]) == picture, "\(accept ?? "")")
                    #expect(answer["deliveries"]?.integer == 1, "\(accept ?? "")")
                }
            }
        }
    }

    @Test(
        "that nobody sent is 204 to who accepts only bytes; one that a frame lacks is JSON; with count it is refused"
    )
    func withoutPayload() async throws {
        try await withService { service, _ in
            let bytes = [("Accept", "image/*")]
            let nothing = try await service.get("/dequeue?wait=0", headers: bytes)
            #expect(nothing.status == 204 && nothing.body.isEmpty)
            #expect(nothing.header("cache-control") == "no-store")
            for json in [#"{"frame_id":"no data"}"#, #"{"frame_id":"no data","data":""}"#] {
                #expect(try await service.enqueue(json).status == 200)
                let reply = try await service.get("/dequeue", headers: bytes)
                #expect(reply.header("content-type") == "application/json")
                #expect(try reply.json()["frame"]?["frame_id"] == .string("no data"))
            }
            #expect(try await service.enqueue(#"{"frame_id":"stays"}"#).status == 200)
            try await service.get("/dequeue?count=2", headers: bytes).expectProblem(400)
            #expect(try await service.get("/dequeue?wait=0").json()["deliveries"]?.integer == 1)
        }
    }
}

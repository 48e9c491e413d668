import RedisTesting
import Testing

@Suite("JSON")
struct JSONFidelityTests {
    private static let texts = [
        #"{"frame_id":"n1","ts":1732492800123456789,"big":18446744073709551615,"f":0.1,"one":1.0,"ok":true,"none":null,"s":"1","e":"","box":{"x":[1,{"y":null}]}}"#,
        #"{"frame_id":"n2","v":18446744073709551616,"w":-9223372036854775809,"x":12345678901234567890123456789012345678901234567890}"#,
        #"{"frame_id":"n3","a":1e400,"b":-1E-400,"c":1.10,"d":-0,"e":-0.0,"f":0e0,"g":1E+2,"h":0.10000000000000000000000001}"#,
        #"{"frame_id":"n4","t":"true","f":"false","n":"null","o":"{}","l":"[1]","q":"\"1\"","zero":"0"}"#,
        #"{"frame_id":"n5","t":false,"l":[],"o":{},"deep":[[[[{"a":[{}]}]]]],"mixed":[1.50,"1.50",null,true]}"#,
        #"{"frame_id":"n6","s":"\u0000\u001f\"\\\/\b\f\n\r\t\u00e9\u2028\ud83d\ude00é😀","":"no name","a,b":1,"c%":2,"d%2C":[3]}"#,
        #"{"frame_id":"n7","data":{"not":"a payload"},"content_type":1,"timestamp":1732492800.250,"trace_context":[1]}"#,
        #"{ "frame_id" : "n8" , "spaced" : [ 1 , 2 ] , "o" : { "a" : 1.0 } }"#,
        #"{"frame_id":"n9","\u0061":1,"camera_id":7,"_x":"_","_base64":"mine"}"#,
    ]

    @Test("comes back with each value's type and every digit")
    func fidelity() async throws {
        try await withService { service, redis in
            for text in Self.texts {
                let reply = try await service.enqueue(text)
                #expect(reply.status == 200, "\(reply.text)")
                guard case .object(var sent) = try JSON(text), var frame = try await service.dequeue() else {
                    Issue.record("an object was sent, and should come back: \(text)")
                    continue
                }
                frame["_traceparent"] = nil
                // What names a camera is a text, also where it is given as a number.
                if case .number(let camera)? = sent["camera_id"] { sent["camera_id"] = .string(camera) }
                for (name, value) in sent { #expect(frame[name] == value, "\(name) of \(text)") }
                #expect(Set(frame.keys) == Set(sent.keys), "\(text)")
            }
        }
    }

    @Test("that can't be kept is refused with 400, and never stored")
    func refused() async throws {
        try await withService { service, redis in
            for text in ["{}", " { } ", "[]", #""x""#, "1", "null", "true", "", " ", "{]", "[1]"] {
                try await service.enqueue(text).expectProblem(400)
            }
            #expect(try await redis.cli("XLEN", "frames:queue") == "0")
        }
    }

    @Test("stands in the stream as text that any client reads, with the names of what is no string in _json")
    func stored() async throws {
        try await withService { service, redis in
            let text =
                #"{"frame_id":7,"n":1.10,"s":"1.10","o":{"a": [ 1 ]},"t":true,"none":null,"a,b%":2,"u":"\u00e9\ud83d\ude00"}"#
            #expect(try await service.enqueue(text).status == 200)
            let entry = try #require(try await redis.entries().first)
            #expect(entry["frame_id"] == "7")
            #expect(entry["n"] == "1.10")
            #expect(entry["s"] == "1.10")
            #expect(entry["o"] == #"{"a": [ 1 ]}"#)
            #expect(entry["t"] == "true")
            #expect(entry["none"] == "null")
            #expect(entry["u"] == "é😀")
            #expect(entry["_json"] == "n,o,t,none,a%2Cb%25")
            #expect(entry["_traceparent"]?.wholeMatch(of: /00-[0-9a-f]{32}-[0-9a-f]{16}-0[13]/) != nil)
            let names = entry.fields.map(\.name)
            #expect(Set(names).count == names.count)
        }
    }

    @Test("of random shape comes back as it was")
    func random() async throws {
        let seed = UInt64.random(in: .min ... .max)
        var generator = SeededGenerator(seed: seed)
        let texts = (0..<150).map { _ in Self.object(depth: 0, using: &generator) }
        try await withService { service, _ in
            for text in texts {
                let reply = try await service.enqueue(#"{"frame_id":"r","value":\#(text)}"#)
                #expect(reply.status == 200, "seed \(seed): \(text): \(reply.text)")
                #expect(try await service.dequeue()?["value"] == (try JSON(text)), "seed \(seed): \(text)")
            }
        }
    }

    private static func object(depth: Int, using generator: inout SeededGenerator) -> String {
        let members = (0..<Int.random(in: 0...5, using: &generator)).map { index in
            "\(string(prefix: "\(index)", using: &generator)):\(value(depth: depth + 1, using: &generator))"
        }
        return "{" + members.joined(separator: ",") + "}"
    }

    private static func value(depth: Int, using generator: inout SeededGenerator) -> String {
        switch Int.random(in: 0..<(depth < 5 ? 9 : 6), using: &generator) {
        case 0: return ["null", "true", "false"].randomElement(using: &generator) ?? "null"
        case 1, 2:
            let digits = (0..<Int.random(in: 1...30, using: &generator)).map { _ in
                Int.random(in: 0...9, using: &generator)
            }
            let fraction = Bool.random(using: &generator) ? ".\(digits.map(String.init).joined())" : ""
            let exponent = Bool.random(using: &generator) ? "e-\(Int.random(in: 0...999, using: &generator))" : ""
            return "-\(Int.random(in: 0 ... .max, using: &generator))\(fraction)\(exponent)"
        case 3...5: return string(prefix: "", using: &generator)
        case 6: return object(depth: depth, using: &generator)
        default:
            let elements = (0..<Int.random(in: 0...4, using: &generator)).map { _ in
                value(depth: depth + 1, using: &generator)
            }
            return "[" + elements.joined(separator: ", ") + "]"
        }
    }

    private static func string(prefix: String, using generator: inout SeededGenerator) -> String {
        let parts = [
            "a", "é", "😀", "\\n", "\\u0000", "\\ud83d\\ude00", "\\\"", "\\\\", "/", " ", ",", "%", "\u{7F}", "{", "]",
        ]
        let text = (0..<Int.random(in: 0...12, using: &generator)).compactMap { _ in
            parts.randomElement(using: &generator)
        }
        return "\"\(prefix)\(text.joined())\""
    }
}

import Foundation
import NIOCore
import Testing

@testable import FrameBuffer

@Suite("A frame on its way out")
struct StoredFrameTests {
    private static let traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    private static let context = OutgoingContext(
        traceparent: traceparent,
        tracestate: "a=\"1\"",
        baggage: "k=v"
    )

    @Test(
        "comes out of another client's entry, whatever that has of ours",
        arguments: [
            (EntryFields("frame_id", "x1", "_traceparent", "garbage"), #"{"frame_id":"x1"}"#),
            (EntryFields("frame_id", "x2"), #"{"frame_id":"x2"}"#),
            (EntryFields("frame_id", "x3", "_traceparent", ""), #"{"frame_id":"x3"}"#),
            (EntryFields("a", "b"), #"{"a":"b"}"#),
            (EntryFields("_json", ""), "{}"),
            (EntryFields("", ""), #"{"":""}"#), (EntryFields("a", "1", "_json", "a,a"), #"{"a":1}"#),
            (EntryFields("a", "1", "_json", "a"), #"{"a":1}"#),
            (EntryFields("a", #"{"x": 1, "x": 2}"#, "_json", "a"), #"{"a":{"x": 1, "x": 2}}"#),
            (EntryFields("a", "1", "b", "2", "a", "3"), #"{"b":"2","a":"3"}"#),
            (EntryFields("n", "x", "n", "5", "_json", "n"), #"{"n":5}"#),
            (EntryFields("_dead_reason", "x"), #"{"_dead_reason":"x"}"#),
            (EntryFields("a\"\n", "\\"), #"{"a\"\n":"\\"}"#),
            (EntryFields("frame_id", "5", "_json", "frame_id"), #"{"frame_id":5}"#),
            (EntryFields("_json", ",", "", "[]"), #"{"":[]}"#),
        ]
    )
    func foreign(entry: EntryFields, expected: String) {
        #expect(entry.read { $0.unservableReason } == nil)
        #expect(entry.json() == expected)
    }

    @Test("does not mind an all-zero traceparent, and starts no context from it")
    func zeroTraceparent() {
        let entry = EntryFields(
            "frame_id",
            "x5",
            "_traceparent",
            "00-00000000000000000000000000000000-0000000000000000-01"
        )
        entry.read {
            #expect($0.isServable)
            #expect($0.carriedContext { $0.traceparent.contains("00000000000") ? nil : $0 }.context == nil)
        }
    }

    @Test(
        "can't be served where _json names no JSON",
        arguments: [
            EntryFields("frame_id", "x7", "_json", "n", "n", "notjson"), EntryFields("_json", "absent"),
            EntryFields("_json", "a,", "a", "1"), EntryFields("a", "1", "_json", "a%"),
            EntryFields("a", "1", "_json", "%41"),
            EntryFields("a%", "1", "_json", "a%2"), EntryFields("a", "", "_json", "a"),
            EntryFields("a", "1 2", "_json", "a"),
            EntryFields("a", "[", "_json", "a"), EntryFields("a", #""\ud800""#, "_json", "a"),
            EntryFields("_json", "_json"),
            EntryFields("n", "5", "n", "x", "_json", "n"),
        ]
    )
    func unservable(entry: EntryFields) {
        #expect(entry.read { $0.isServable } == false)
        #expect(entry.read { $0.unservableReason }?.contains("_json") == true)
    }

    @Test("names what is wrong with _json")
    func reasons() {
        #expect(
            EntryFields("_json", "n", "n", "notjson").read { $0.unservableReason }
                == "_json names 'n', which is not JSON: null is expected, at byte 1"
        )
        #expect(
            EntryFields("_json", "x").read { $0.unservableReason } == "_json names 'x', which the entry does not have"
        )
        #expect(EntryFields("_json", "%").read { $0.unservableReason } == "_json is not a list of names")
    }

    @Test("lists what is not UTF-8, in a form that can be turned back")
    func base64() {
        var entry = EntryFields("frame_id", "x6")
        entry.fields.append((Array("blob".utf8), [0xFF, 0x00]))
        #expect(entry.json() == #"{"frame_id":"x6","blob":"/wA=","_base64":["blob"]}"#)
        entry.fields.append(([0x80, 0x22], Array("text".utf8)))
        #expect(
            entry.json()
                == #"{"frame_id":"x6","blob":"/wA=","gCI=":"text","_base64":["blob"],"_base64_names":["gCI="]}"#
        )
        entry.fields.append((Array("data".utf8), [0xFE]))
        #expect(
            entry.json()
                == #"{"frame_id":"x6","blob":"/wA=","gCI=":"text","data":"/g==","data_encoding":"base64","_base64":["blob"],"_base64_names":["gCI="]}"#
        )
        entry.fields.append((Array("data_encoding".utf8), Array("gzip".utf8)))
        entry.fields.append((Array("_base64".utf8), Array("own".utf8)))
        #expect(
            entry.json()
                == #"{"frame_id":"x6","blob":"/wA=","gCI=":"text","data":"/g==","data_encoding":"gzip","_base64":["blob","data"],"_base64_names":["gCI="]}"#
        )
        #expect(EntryFields("_base64", "own").json() == #"{"_base64":"own"}"#)
    }

    @Test("gives a payload that is UTF-8 as a string, and any other as base64 that decodes to the same")
    func payloads() throws {
        let text = Array("{\"not\": parsed}\r\n\u{0}é".utf8)
        var picture = [0xFF, 0xD8, 0xFF, 0xE0] + [UInt8](repeating: 0xFF, count: 1000) + Array("\r\n\0\0{".utf8)
        picture += (0..<199_000).map { UInt8(truncatingIfNeeded: $0 &* 167 >> 3) }
        for body in [text, picture, Array(picture.dropFirst())] {
            let entry = EntryFields(
                try IncomingFrame.raw(ByteBuffer(bytes: body), contentType: "image/jpeg", fields: [])
            )
            #expect(entry.read { $0.payload.map { Array($0) } } == body)
            let json = try #require(try JSONSerialization.jsonObject(with: Data(entry.json().utf8)) as? [String: Any])
            let data = try #require(json["data"] as? String)
            if json["data_encoding"] as? String == "base64" {
                #expect(Data(base64Encoded: data) == Data(body))
            } else {
                #expect(Array(data.utf8) == body)
            }
            #expect((json["data_encoding"] == nil) == (body == text))
        }
    }

    @Test("has a payload only where data is neither JSON nor empty")
    func payloadAbsent() {
        #expect(EntryFields("a", "1").read { $0.payload == nil })
        #expect(EntryFields("data", "").read { $0.payload == nil })
        #expect(EntryFields("data", "{}", "_json", "data").read { $0.payload == nil })
        #expect(EntryFields("data", "x").read { $0.payload != nil })
    }

    @Test("names no media type that would break a header")
    func contentType() {
        #expect(EntryFields("content_type", "image/png").read { $0.contentType } == "image/png")
        for text in ["", "a\r\nb: c", "é", "a\u{7F}"] {
            #expect(EntryFields("content_type", text).read { $0.contentType } == nil)
        }
    }

    @Test("carries the reply's context in place of the entry's")
    func context() {
        let entry = EntryFields(
            "_traceparent",
            "old",
            "frame_id",
            "f",
            "_tracestate",
            "old",
            "_baggage",
            "old",
            "_json",
            "n",
            "n",
            "1"
        )
        #expect(entry.json() == #"{"frame_id":"f","n":1}"#)
        #expect(
            entry.json(context: Self.context)
                == #"{"frame_id":"f","n":1,"_traceparent":"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01","_tracestate":"a=\"1\"","_baggage":"k=v"}"#
        )
        entry.read {
            #expect(
                $0.carriedContext { $0 }.context
                    == CarriedContext(traceparent: "old", tracestate: "old", baggage: "old")
            )
        }
    }

    @Test("rewrites the producer's own context with the reply's")
    func rewriting() {
        let entry = EntryFields(
            "traceparent",
            "t",
            "trace_context",
            #"{"trace_id":"x","span_id":"y","k":1}"#,
            "_json",
            "trace_context"
        )
        let own = entry.read { $0.carriedContext { $0 }.own }
        #expect(own == [.traceparent, .traceContext])
        let context = OutgoingContext(traceparent: Self.traceparent, rewriting: own)
        #expect(
            entry.json(context: context)
                == #"{"traceparent":"\#(Self.traceparent)","trace_context":{"trace_id":"0af7651916cd43dd8448eb211c80319c","span_id":"b7ad6b7169203331","k":1},"_traceparent":"\#(Self.traceparent)"}"#
        )
        // Text stays text.
        let text = EntryFields("trace_context", #"{"traceparent":"t"}"#)
        #expect(text.read { $0.carriedContext { $0 }.own } == .traceContext)
        #expect(
            text.json(context: OutgoingContext(traceparent: Self.traceparent, rewriting: .traceContext))
                .contains(#""trace_context":"{\"traceparent\":\"\#(Self.traceparent)\"}""#)
        )
        #expect(
            text.json(context: OutgoingContext(traceparent: Self.traceparent)).contains(#""{\"traceparent\":\"t\"}""#)
        )
    }

    @Test("knows its ids and its time")
    func ids() {
        let entry = EntryFields("camera_id", "c", "frame_id", "f", "timestamp", "1732492800", "_json", "timestamp")
        entry.read {
            #expect($0.frameID == "f")
            #expect($0.cameraID == "c")
            #expect($0.timestampMilliseconds == 1_732_492_800_000)
        }
        #expect(EntryFields("timestamp", "null", "_json", "timestamp").read { $0.timestampMilliseconds } == nil)
        #expect(EntryFields("a", "b").read { $0.frameID } == nil)
    }

    @Test("reads entries of very many fields, repeated names among them, in no long time")
    func manyFields() {
        var entry = EntryFields()
        for index in 0..<20_000 { entry.fields.append((Array("f\(index % 10_000)".utf8), Array("\(index)".utf8))) }
        entry.fields.append((Array("_json".utf8), Array((0..<10_000).map { "f\($0)" }.joined(separator: ",").utf8)))
        entry.read {
            #expect($0.isServable)
            #expect($0.fields.count == 10_001)
        }
        #expect(entry.json().hasPrefix(#"{"f0":10000,"f1":10001,"#))
    }

    @Test("fails over no random entry, and always comes out as JSON")
    func randomEntries() throws {
        let seed = UInt64.random(in: 0 ... .max)
        var generator = SeededGenerator(seed: seed)
        let names = [
            "frame_id", "_json", "data", "data_encoding", "a", "b", "trace_context", "_traceparent", "_base64",
            "timestamp",
        ]
        for _ in 0..<5_000 {
            var entry = EntryFields()
            for _ in 0..<Int.random(in: 0...8, using: &generator) {
                func bytes() -> [UInt8] {
                    (0..<Int.random(in: 0...12, using: &generator)).map { _ in
                        UInt8.random(in: 0...255, using: &generator)
                    }
                }
                let name =
                    Bool.random(using: &generator)
                    ? bytes() : Array((names.randomElement(using: &generator) ?? "").utf8)
                let value =
                    Bool.random(using: &generator)
                    ? bytes() : Array((names.randomElement(using: &generator) ?? "").utf8)
                entry.fields.append((name, value))
            }
            guard entry.read({ $0.isServable }) else { continue }
            let context = OutgoingContext(
                traceparent: Self.traceparent,
                rewriting: [.traceparent, .traceContext]
            )
            let json = entry.json(context: context)
            #expect(throws: Never.self, "seed \(seed): \(json)") {
                try JSONSerialization.jsonObject(with: Data(json.utf8))
            }
        }
    }
}

import NIOCore
import Testing

@testable import FrameBuffer

@Suite("A frame on its way in")
struct IncomingFrameTests {
    private static let traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    private static let context = OutgoingContext(
        traceparent: traceparent,
        tracestate: "a=1",
        baggage: "k=v"
    )

    private func json(_ text: String) throws(FrameError) -> IncomingFrame {
        try IncomingFrame.json(ByteBuffer(string: text))
    }

    private func fault(_ body: () throws(FrameError) -> IncomingFrame) -> FrameError? {
        do throws(FrameError) {
            _ = try body()
            return nil
        } catch {
            return error
        }
    }

    // MARK: JSON

    @Test("becomes an entry with frame_id first, the fields in their order, the list of JSON, and the context")
    func entry() throws {
        let frame = try json(
            #"{"camera_id":"cam01","n":1.10,"frame_id":"f1","text":"a\u00e9","a,b%":null,"\u0078":{"y": [1]}}"#
        )
        #expect(frame.frameID == "f1")
        #expect(frame.cameraID == "cam01")
        let entry = EntryFields(frame, context: Self.context)
        #expect(
            entry.names == [
                "frame_id", "camera_id", "n", "text", "a,b%", "x", "_json", "_traceparent", "_tracestate", "_baggage",
            ]
        )
        #expect(entry["n"] == "1.10")
        #expect(entry["text"] == "aé")
        #expect(entry["x"] == #"{"y": [1]}"#)
        #expect(entry["_json"] == "n,a%2Cb%25,x")
        #expect(entry["_traceparent"] == Self.context.traceparent)
        #expect(entry["_tracestate"] == "a=1")
        #expect(entry["_baggage"] == "k=v")
        let written = entry.fields.reduce(0) { $0 + $1.name.count + $1.value.count }
        #expect(frame.fieldCount(context: Self.context) == entry.fields.count)
        #expect(frame.byteCountBound(frameID: "f1", context: Self.context) >= written)
        #expect(frame.fieldCount(context: nil) == entry.fields.count - 3)
    }

    @Test(
        "takes an id that is a text or a number, and none that is null, empty or absent",
        arguments: [
            (#"{"frame_id":"f","a":1}"#, "f"), (#"{"frame_id":12345678901234567890}"#, "12345678901234567890"),
            (#"{"frame_id":1e3}"#, "1e3"),
            (#"{"frame_id":null}"#, nil), (#"{"frame_id":""}"#, nil), (#"{"a":1}"#, nil),
            (#"{"frame_id":"\u00e9 \ud83d\ude00"}"#, "é 😀"), (#"{"\u0066rame_id":"f"}"#, "f"),
        ] as [(String, String?)]
    )
    func frameIDs(text: String, expected: String?) throws {
        let frame = try json(text)
        #expect(frame.frameID == expected)
        #expect(EntryFields(frame).names.filter { $0 == "frame_id" }.count == 1)
    }

    @Test(
        "refuses an id that can't be one",
        arguments: [
            "true", "false", "{}", "[]", #"["a"]"#, #""a\n""#, #""\u0000""#, #""\u007f""#, #""\u0085""#,
            "\"\(String(repeating: "x", count: 257))\"", "\"\(String(repeating: "é", count: 129))\"",
        ],
        ["frame_id", "camera_id"]
    )
    func badIDs(value: String, name: String) {
        let error = fault { () throws(FrameError) in try json(#"{"a":1,"\#(name)":\#(value)}"#) }
        #expect(error?.code == .invalidIdentifier)
        #expect(error?.offset == 10 + name.utf8.count)
    }

    @Test("takes an id of exactly 256 bytes")
    func longestID() throws {
        #expect(try json(#"{"frame_id":"\#(String(repeating: "x", count: 256))"}"#).frameID?.count == 256)
    }

    @Test("keeps a camera's number as its text, and a camera that is null as null")
    func cameras() throws {
        let number = try json(#"{"camera_id":7}"#)
        #expect(number.cameraID == "7")
        #expect(EntryFields(number).names == ["frame_id", "camera_id"])
        let null = try json(#"{"camera_id":null}"#)
        #expect(null.cameraID == nil)
        #expect(EntryFields(null).json() == #"{"frame_id":"generated","camera_id":null}"#)
        #expect(EntryFields(null).read { $0.cameraID } == nil)
    }

    @Test(
        "refuses the service's own names",
        arguments: [
            #"{"a":1,"_json":"a"}"#, #"{"a":1,"_dead_reason":1}"#, #"{"a":1,"_dead_":1}"#, #"{"a":1,"\u005fjson":""}"#,
        ]
    )
    func reserved(text: String) {
        let error = fault { () throws(FrameError) in try json(text) }
        #expect(error?.code == .reservedField)
        #expect(error?.offset == 7)
    }

    @Test("keeps other names that begin with a line, and an empty one")
    func oddNames() throws {
        let text = #"{"frame_id":"f","_base64":"x","_dead":1,"_jsonx":2,"":"e","_":3}"#
        #expect(EntryFields(try json(text)).json() == text)
    }

    @Test(
        "lists a lone field without a name so that the list is not empty",
        arguments: [#"{"frame_id":"f","":1}"#, #"{"frame_id":"f","":[],"a":2}"#]
    )
    func emptyName(text: String) throws {
        #expect(EntryFields(try json(text)).json() == text)
    }

    @Test("is as large as its payload, or else as its body")
    func size() throws {
        #expect(try json(#"{"data":"abc","x":1}"#).size == 3)
        #expect(try json(#"{"data":"\u00e9","x":1}"#).size == 2)
        #expect(try json(#"{"data":"AAAA","data_encoding":"base64"}"#).size == 3)
        #expect(try json(#"{"x":1}"#).size == 2)
    }

    // MARK: base64

    @Test("stores a payload decoded that is said to be base64")
    func base64() throws {
        for data in [#""\/9j\/4A==""#, #""/9j/4A==""#] {
            let entry = EntryFields(
                try json(#"{"frame_id":"f","data_encoding":"base64","data":\#(data),"content_type":"image/jpeg"}"#)
            )
            #expect(entry.names == ["frame_id", "data", "content_type"])
            #expect(entry.fields[1].value == [0xFF, 0xD8, 0xFF, 0xE0])
            #expect(
                entry.json()
                    == #"{"frame_id":"f","data":"/9j/4A==","content_type":"image/jpeg","data_encoding":"base64"}"#
            )
            entry.read {
                #expect($0.payload.map { Array($0) } == [0xFF, 0xD8, 0xFF, 0xE0])
                #expect($0.contentType == "image/jpeg")
            }
        }
        #expect(
            EntryFields(try json(#"{"data":"","data_encoding":"base64"}"#)).json()
                == #"{"frame_id":"generated","data":""}"#
        )
    }

    @Test("refuses a payload that is not the base64 it is said to be")
    func badBase64() {
        let plain = fault { () throws(FrameError) in try json(#"{"data":"AAAA*AAA","data_encoding":"base64"}"#) }
        #expect(plain?.code == .invalidBase64)
        #expect(plain?.offset == 13)
        let escaped = fault { () throws(FrameError) in try json(#"{"data":"\/A*A","data_encoding":"base64"}"#) }
        #expect(escaped?.code == .invalidBase64)
        let short = fault { () throws(FrameError) in try json(#"{"data":"AAA","data_encoding":"base64"}"#) }
        #expect(short?.offset == 12)
    }

    @Test(
        "keeps another data_encoding as a field like any other",
        arguments: [
            #"{"frame_id":"f","data":"AA==","data_encoding":"hex"}"#,
            #"{"frame_id":"f","data":{"a":1},"data_encoding":"base64"}"#, #"{"frame_id":"f","data_encoding":"base64"}"#,
            #"{"frame_id":"f","data":"AA==","data_encoding":64}"#,
        ]
    )
    func otherEncodings(text: String) throws {
        #expect(EntryFields(try json(text)).json() == text)
    }

    // MARK: Trace context

    private static let valid = "00-11111111111111111111111111111111-2222222222222222-01"

    private func resolve(_ frame: IncomingFrame) -> (context: CarriedContext?, own: OwnContextFields) {
        frame.carriedContext { $0.traceparent.hasPrefix("00-") && $0.traceparent.utf8.count == 55 ? $0 : nil }
    }

    @Test("carries context in _traceparent, else traceparent, else trace_context; what is malformed counts as absent")
    func precedence() throws {
        let ids = #""trace_id":"33333333333333333333333333333333","span_id":"4444444444444444""#
        let built = "00-33333333333333333333333333333333-4444444444444444-01"
        let other = Self.valid.replacing("1111", with: "5555")
        let cases: [(String, String?, OwnContextFields)] = [
            (#"{"a":1}"#, nil, []),
            (#"{"_traceparent":"\#(Self.valid)"}"#, Self.valid, []),
            (#"{"traceparent":"\#(Self.valid)"}"#, Self.valid, .traceparent),
            (#"{"_traceparent":"\#(other)","traceparent":"\#(Self.valid)"}"#, other, .traceparent),
            (#"{"_traceparent":"x","traceparent":"\#(Self.valid)"}"#, Self.valid, .traceparent),
            (#"{"_traceparent":5,"traceparent":{},"trace_context":{\#(ids)}}"#, built, .traceContext),
            (#"{"trace_context":{"traceparent":"\#(Self.valid)",\#(ids)}}"#, Self.valid, .traceContext),
            (#"{"trace_context":{"traceparent":"x",\#(ids)}}"#, built, .traceContext),
            (
                #"{"traceparent":"\#(Self.valid)","trace_context":{\#(ids)}}"#, Self.valid,
                [.traceparent, .traceContext]
            ),
            (#"{"trace_context":{"trace_id":"33"}}"#, nil, []), (#"{"trace_context":{}}"#, nil, []),
            (#"{"trace_context":"x"}"#, nil, []),
            (#"{"trace_context":"{\"traceparent\":\"\#(Self.valid)\"} "}"#, Self.valid, .traceContext),
            (#"{"trace_context":"{\"traceparent\":\"\#(Self.valid)\"}x"}"#, nil, []),
            (#"{"trace_context":[]}"#, nil, []), (#"{"trace_context":{"trace_id":3,"span_id":null}}"#, nil, []),
        ]
        for (text, expected, own) in cases {
            let carried = resolve(try json(text))
            #expect(carried.context?.traceparent == expected, "\(text)")
            #expect(carried.own == own, "\(text)")
        }
    }

    @Test("takes tracestate and baggage from where the context came from")
    func companions() throws {
        let both = try json(
            #"{"_traceparent":"\#(Self.valid)","_tracestate":"a=1","_baggage":"b=2","tracestate":"c=3","baggage":"d=4"}"#
        )
        #expect(resolve(both).context == CarriedContext(traceparent: Self.valid, tracestate: "a=1", baggage: "b=2"))
        let own = try json(
            #"{"_traceparent":"x","_tracestate":"a=1","traceparent":"\#(Self.valid)","tracestate":"c=3"}"#
        )
        #expect(resolve(own).context == CarriedContext(traceparent: Self.valid, tracestate: "c=3", baggage: nil))
    }

    @Test("never stores the producer's _traceparent, _tracestate and _baggage")
    func replaced() throws {
        let frame = try json(#"{"frame_id":"f","_traceparent":"x","_tracestate":{"a":1},"_baggage":"y","a":"b"}"#)
        #expect(EntryFields(frame).names == ["frame_id", "a"])
        #expect(EntryFields(frame, context: Self.context)["_traceparent"] == Self.context.traceparent)
    }

    @Test("rewrites the producer's own context where it was valid, and only then")
    func rewriting() throws {
        let text =
            #"{"frame_id":"f","traceparent":"\#(Self.valid)","trace_context":{ "trace_id" : "x","more":[1, 2],"\u0073pan_id":null,"traceparent":"" ,"z":"\n"},"n":1}"#
        let frame = try json(text)
        let kept = EntryFields(frame, context: Self.context)
        #expect(kept["traceparent"] == Self.valid)
        let context = OutgoingContext(
            traceparent: Self.traceparent,
            rewriting: [.traceparent, .traceContext]
        )
        let entry = EntryFields(frame, context: context)
        #expect(entry["traceparent"] == context.traceparent)
        #expect(
            entry["trace_context"]
                == #"{ "trace_id" : "0af7651916cd43dd8448eb211c80319c","more":[1, 2],"\u0073pan_id":"b7ad6b7169203331","traceparent":"\#(Self.traceparent)" ,"z":"\n"}"#
        )
        #expect(entry.names == kept.names.dropLast(2))
        let written = entry.fields.reduce(0) { $0 + $1.name.count + $1.value.count }
        #expect(frame.byteCountBound(frameID: "f", context: context) >= written)
        #expect(entry.json(context: context).contains(#""n":1,"_traceparent":"\#(Self.traceparent)"}"#))
    }

    // MARK: Raw bodies

    @Test("keeps a raw body byte for byte, whatever it begins with")
    func raw() throws {
        for body in [[0xFF, 0xD8, 0x00, 0x0D, 0x0A, 0xFF], Array("{\"a\"".utf8), [0x00]] as [[UInt8]] {
            let frame = try IncomingFrame.raw(
                ByteBuffer(bytes: body),
                contentType: "IMAGE/JPEG; charset=binary",
                fields: [("camera_id", "cam01"), ("frame_id", ""), ("timestamp", "5")]
            )
            #expect(frame.size == body.count)
            #expect(frame.frameID == nil)
            #expect(frame.cameraID == "cam01")
            let entry = EntryFields(frame)
            #expect(entry.names == ["frame_id", "camera_id", "timestamp", "content_type", "data"])
            #expect(entry.fields.last?.value == body)
            #expect(entry["content_type"] == "IMAGE/JPEG; charset=binary")
        }
    }

    @Test("refuses a raw body that is empty, and fields that repeat or are the service's own")
    func badRaw() {
        func fault(_ body: String, _ fields: [(name: String, value: String)]) -> FrameError.Code? {
            self.fault { () throws(FrameError) in
                try IncomingFrame.raw(ByteBuffer(string: body), contentType: "image/png", fields: fields)
            }?.code
        }
        #expect(fault("", []) == .emptyPayload)
        #expect(fault("x", [("a", "1"), ("a", "2")]) == .duplicateField)
        #expect(fault("x", [("data", "1")]) == .duplicateField)
        #expect(fault("x", [("content_type", "1")]) == .duplicateField)
        #expect(fault("x", [("_json", "1")]) == .reservedField)
        #expect(fault("x", [("camera_id", "a\u{1}")]) == .invalidIdentifier)
        #expect(fault("x", [(String(repeating: "n", count: 257), "a")]) == .fieldNameTooLong)
        #expect(fault("x", (0..<127).map { ("n\($0)", "") }) == .tooManyFields)
        #expect(fault("x", (0..<126).map { ("n\($0)", "") }) == nil)
        // Two spellings of one character are two names.
        #expect(fault("x", [("\u{E9}", "1"), ("e\u{301}", "2")]) == nil)
    }

    // MARK: Forms

    @Test("reads a form's pairs")
    func form() throws {
        let frame = try IncomingFrame.form(
            ByteBuffer(string: "frame_id=f1&camera_id=cam+01&&a%26b=%C3%A9%2B+=&empty=&alone&data=%ff%00&t=1.5")
        )
        let entry = EntryFields(frame)
        #expect(entry.names == ["frame_id", "camera_id", "a&b", "empty", "alone", "data", "t"])
        #expect(frame.cameraID == "cam 01")
        #expect(entry["a&b"] == "é+ =")
        #expect(entry["empty"] == "")
        #expect(entry["alone"] == "")
        #expect(entry.fields[5].value == [0xFF, 0x00])
        #expect(entry["t"] == "1.5")
    }

    @Test(
        "refuses a form that is none",
        arguments: [
            ("", FrameError.Code.empty, 0), ("&&", .empty, 0), ("a=1&b=%4", .invalidPercentEncoding, 6),
            ("a=%", .invalidPercentEncoding, 2), ("%zz=1", .invalidPercentEncoding, 0),
            ("a=1&b=2&%61=3", .duplicateField, 8), ("x=1&_json=2", .reservedField, 4), ("a=1&%FF=2", .invalidUTF8, 4),
            ("a=1&frame_id=%FF", .invalidIdentifier, 4), ("data=*&data_encoding=base64", .invalidBase64, nil),
        ] as [(String, FrameError.Code, Int?)]
    )
    func badForm(text: String, code: FrameError.Code, offset: Int?) {
        let error = fault { () throws(FrameError) in try IncomingFrame.form(ByteBuffer(string: text)) }
        #expect(error?.code == code)
        #expect(error?.offset == offset)
    }

    @Test(
        "tells a form that is JSON from one that is not",
        arguments: [
            (#"{"a":1}"#, true), (" \r\n\t[", true), ("a={", false), ("", false), ("%7B", false), ("  ", false),
        ]
    )
    func formIsJSON(text: String, expected: Bool) {
        #expect(IncomingFrame.formIsJSON(ByteBuffer(string: text)) == expected)
    }

    @Test("counts positions from the beginning of the body, wherever it lies in its buffer")
    func movedBody() throws {
        var body = ByteBuffer(string: #"skipped{"frame_id":"f","a":"\n","b":[]}"#)
        body.moveReaderIndex(forwardBy: 7)
        #expect(EntryFields(try IncomingFrame.json(body)).json() == #"{"frame_id":"f","a":"\n","b":[]}"#)
    }
}

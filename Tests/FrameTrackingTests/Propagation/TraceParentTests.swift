import FrameTracking
import Testing

@Suite("traceparent")
struct TraceParentTests {
    private static let ids = "0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331"
    private static let digits = "12345678901234567890123456789012-1234567890123456"

    @Test(
        "Valid headers are taken over, with the flags that are known",
        arguments: [
            ("00-\(ids)-01", "00-\(ids)-01"),
            ("00-\(ids)-00", "00-\(ids)-00"),
            ("00-\(digits)-01", "00-\(digits)-01"),
            ("00-\(ids)-03", "00-\(ids)-03"),
            ("00-\(ids)-02", "00-\(ids)-02"),
            ("00-\(ids)-ff", "00-\(ids)-03"),
            ("00-\(ids)-08", "00-\(ids)-00"),
            ("01-\(ids)-01", "00-\(ids)-01"),
            ("01-\(ids)-01-x", "00-\(ids)-01"),
            ("cc-\(ids)-01-what-the-future-brings", "00-\(ids)-01"),
            ("cc-\(ids)-01-", "00-\(ids)-01"),
            ("fe-\(ids)-01", "00-\(ids)-01"),
            (" \t00-\(ids)-01\t ", "00-\(ids)-01"),
        ]
    )
    func valid(header: String, passedOn: String) throws {
        let context = try #require(TraceParent.parse(header))
        #expect(TraceParent.format(context) == passedOn)
        #expect(context.isRemote)
    }

    @Test(
        "Malformed headers count as absent",
        arguments: [
            "", " ", "00", "00-\(ids)", "00-\(ids)-", "00-\(ids)-0", "00-\(ids)-011", "00-\(ids)-01-", "00-\(ids)-01-x",
            "00-\(ids)-01.", "cc-\(ids)-01.", "cc-\(ids)-01x", "cc-\(ids)-0", "ff-\(ids)-01", "ff-\(ids)-01-x",
            "0F-\(ids)-01", "0-\(ids)-01", "000-\(ids)-01", ".0-\(ids)-01", "0.-\(ids)-01",
            "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-B7AD6B7169203331-01",
            "00-00000000000000000000000000000000-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b716920333-01",
            "00-0af7651916cd43dd8448eb211c80319-b7ad6b7169203331-01",
            "00-.af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-.7ad6b7169203331-01",
            "00_0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c_b7ad6b7169203331-01",
            "00-\(ids)_01", "00-\(ids)-0A", "00-\(ids)-.1", "00-\(ids)-0é", "00-\(ids)-01,00-\(ids)-01",
        ]
    )
    func malformed(header: String) {
        #expect(TraceParent.parse(header) == nil)
        #expect(SpanContext(traceparent: header, tracestate: "a=1") == nil)
    }

    @Test("The bytes written are those of the text")
    func bytes() throws {
        let context = try #require(TraceParent.parse("00-\(Self.ids)-03"))
        let bytes = [UInt8](unsafeUninitializedCapacity: TraceParent.length) { bytes, count in
            TraceParent.write(context, to: UnsafeMutableRawBufferPointer(bytes))
            count = TraceParent.length
        }
        #expect(String(decoding: bytes, as: UTF8.self) == "00-\(Self.ids)-03")
        #expect(bytes.withUnsafeBytes { TraceParent.parse($0) } == context)
    }

    @Test("No bytes whatever make the parser stumble, and what it takes it can write")
    func fuzz() {
        let seed = UInt64.random(in: 0 ... .max)
        var generator = SeededGenerator(seed: seed)
        let valid = Array("00-\(Self.ids)-01-".utf8)
        for _ in 0..<20_000 {
            var bytes = Array(valid.prefix(Int.random(in: 50...valid.count, using: &generator)))
            for _ in 0..<Int.random(in: 0...3, using: &generator) {
                bytes[Int.random(in: 0..<bytes.count, using: &generator)] = UInt8.random(in: 0...255, using: &generator)
            }
            if let context = bytes.withUnsafeBytes({ TraceParent.parse($0) }) {
                #expect(TraceParent.parse(TraceParent.format(context)) == context, "seed \(seed)")
            }
        }
    }
}

import FrameTracking
import Testing

@Suite("Trace and span identifiers")
struct IdentifierTests {
    @Test("Text and number are the same, digit by digit")
    func text() {
        let traceID = TraceID(high: 0x0123_4567_89AB_CDEF, low: 0xFEDC_BA98_7654_3210)
        #expect(traceID?.hex == "0123456789abcdeffedcba9876543210")
        #expect(SpanID(0x00FF_00A0_0009_9999)?.hex == "00ff00a000099999")
        #expect(TraceID(hex: "0123456789abcdeffedcba9876543210") == traceID)
        #expect(SpanID(hex: "00000000000000a1")?.value == 0xA1)
    }

    @Test("Random identifiers come back from their text")
    func roundTrip() {
        let seed = UInt64.random(in: 0 ... .max)
        var generator = SeededGenerator(seed: seed)
        for _ in 0..<1000 {
            let traceID = TraceID.random(using: &generator)
            let spanID = SpanID.random(using: &generator)
            #expect(TraceID(hex: traceID.hex) == traceID, "seed \(seed)")
            #expect(SpanID(hex: spanID.hex) == spanID, "seed \(seed)")
            #expect(traceID.hex == pad(String(traceID.high, radix: 16)) + pad(String(traceID.low, radix: 16)))
        }
    }

    @Test(
        "Zero, upper case, other lengths and other characters are no identifiers",
        arguments: [
            "", "0", "00000000000000000000000000000000", "0000000000000000", "0123456789ABCDEF0123456789ABCDEF",
            "0123456789abcdeffedcba987654321", "0123456789abcdeffedcba98765432100", "g123456789abcdeffedcba9876543210",
            "0123456789abcde/", "0123456789abcde:", "0123456789abcde`", " 0123456789abcde", "0123456789abcdé",
        ]
    )
    func malformed(text: String) {
        #expect(TraceID(hex: text) == nil)
        #expect(SpanID(hex: text) == nil)
    }

    @Test("A source that yields zeros yields no zero identifier")
    func neverZero() {
        struct Zeros: RandomNumberGenerator {
            mutating func next() -> UInt64 { 0 }
        }
        var zeros = Zeros()
        #expect(TraceID.random(using: &zeros).hex == "00000000000000000000000000000001")
        #expect(SpanID.random(using: &zeros).hex == "0000000000000001")
    }

    @Test("One seed gives one sequence of identifiers, another seed another")
    func seeds() {
        func identifiers(_ seed: UInt64) -> [String] {
            var source = SeededGenerator(seed: seed)
            let generator = IdentifierGenerator(seededBy: &source)
            return (0..<10).flatMap { _ in [generator.makeTraceID().hex, generator.makeSpanID().hex] }
        }
        #expect(identifiers(1) == identifiers(1))
        #expect(Set(identifiers(1)).isDisjoint(with: identifiers(2)))
    }

    @Test("Identifiers made by several tasks at once are all different")
    func concurrency() async {
        let identifiers = await withTaskGroup(of: [UInt64].self) { group in
            for _ in 0..<4 {
                group.addTask {
                    (0..<5000).flatMap { _ in
                        let traceID = IdentifierGenerator.shared.makeTraceID()
                        return [traceID.high, traceID.low, IdentifierGenerator.shared.makeSpanID().value]
                    }
                }
            }
            return await group.reduce(into: []) { $0 += $1 }
        }
        #expect(Set(identifiers).count == 4 * 5000 * 3)
    }

    private func pad(_ digits: String) -> String {
        String(repeating: "0", count: 16 - digits.count) + digits
    }
}

import Testing

@testable import FrameBufferServer

@Suite("Sizes and durations")
struct QuantityTests {
    static let sizes: [(String, Int?)] = [
        ("0", 0), ("1000", 1000), ("1B", 1), ("64KB", 64_000), ("64KiB", 65_536), ("64kib", 65_536),
        ("10MB", 10_000_000),
        ("32MiB", 33_554_432), ("1GB", 1_000_000_000), ("2GiB", 2_147_483_648), ("9223372036854775807", .max),
        ("", nil), ("KB", nil), ("-1", nil), ("+1", nil), ("1 KB", nil), (" 1", nil), ("1.5MB", nil), ("1K", nil),
        ("1TB", nil),
        ("9223372036854775808", nil), ("9223372036854775807KB", nil), ("١KB", nil),
    ]

    @Test("read a whole number of bytes with its unit, and nothing else", arguments: sizes)
    func size(_ text: String, _ bytes: Int?) {
        #expect(ByteSize(text)?.bytes == bytes)
    }

    static let durations: [(String, Duration?)] = [
        ("0", .zero), ("8", .seconds(8)), ("250ms", .milliseconds(250)), ("1s", .seconds(1)), ("2m", .seconds(120)),
        ("1h", .seconds(3600)), ("0s", .zero), ("007s", .seconds(7)),
        ("", nil), ("s", nil), ("-1s", nil), ("+1", nil), ("1 s", nil), ("1.5s", nil), ("1S", nil), ("1d", nil),
        ("1us", nil),
        ("1s1", nil), ("9223372036854775807s", nil), ("9999999999999999999", nil),
    ]

    @Test("read a whole number with its unit, a bare one as seconds, and nothing else", arguments: durations)
    func duration(_ text: String, _ duration: Duration?) {
        #expect(Duration(unitText: text) == duration)
    }

    @Test("write what they read")
    func roundTrip() {
        let seed = UInt64.random(in: 0 ... .max)
        var generator = SplitMix(state: seed)
        for _ in 0..<1_000 {
            let bytes = Int.random(in: 0...1 << 40, using: &generator) << Int.random(in: 0...20, using: &generator)
            #expect(ByteSize(ByteSize(bytes: bytes).description)?.bytes == bytes, "seed \(seed)")
            let duration = Duration.milliseconds(
                Int64.random(in: 0...1 << 30, using: &generator)
                    * [1, 1_000, 60_000][Int.random(in: 0...2, using: &generator)]
            )
            #expect(Duration(unitText: duration.unitText) == duration, "seed \(seed)")
        }
    }

    private struct SplitMix: RandomNumberGenerator {
        var state: UInt64

        mutating func next() -> UInt64 {
            state &+= 0x9E37_79B9_7F4A_7C15
            var mixed = (state ^ (state >> 30)) &* 0xBF58_476D_1CE4_E5B9
            mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
            return mixed ^ (mixed >> 31)
        }
    }
}

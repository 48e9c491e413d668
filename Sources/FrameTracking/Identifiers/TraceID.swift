/// The identifier that all spans of a trace share: 16 bytes, never all zero (W3C Trace Context, "trace-id").
public struct TraceID: Hashable, Sendable {
    /// The first eight bytes, in network order.
    public let high: UInt64
    /// The last eight bytes, in network order.
    public let low: UInt64

    /// An identifier of its two halves; nil if both are zero.
    public init?(high: UInt64, low: UInt64) {
        guard high != 0 || low != 0 else { return nil }
        self.high = high
        self.low = low
    }

    /// An identifier of its 32 lower-case hexadecimal digits; nil for any other text and for all zeros.
    public init?(hex: String) {
        var hex = hex
        guard let value = hex.withUTF8({ TraceID(hex: UnsafeRawBufferPointer($0)[...]) }) else { return nil }
        self = value
    }

    init?(hex bytes: UnsafeRawBufferPointer.SubSequence) {
        guard bytes.count == TraceID.hexLength,
            let high = Hexadecimal.parse(bytes.prefix(16)),
            let low = Hexadecimal.parse(bytes.suffix(16))
        else { return nil }
        self.init(high: high, low: low)
    }

    /// A random identifier. All 16 bytes are random, as the `random` trace flag promises.
    public static func random(using generator: inout some RandomNumberGenerator) -> TraceID {
        TraceID(high: generator.next(), nonZeroLow: generator.next())
    }

    /// Zero in the low half comes once in 2^64 draws, and becomes 1.
    init(high: UInt64, nonZeroLow low: UInt64) {
        self.high = high
        self.low = low == 0 ? 1 : low
    }

    // MARK: Text

    /// How many digits the hexadecimal form has.
    package static let hexLength = 32

    /// The 32 lower-case hexadecimal digits.
    public var hex: String {
        String(unsafeUninitializedCapacity: TraceID.hexLength) { bytes in
            writeHex(to: UnsafeMutableRawBufferPointer(bytes))
            return TraceID.hexLength
        }
    }

    /// Writes the 32 hexadecimal digits to the beginning of `bytes`, which must have room for them.
    package func writeHex(to bytes: UnsafeMutableRawBufferPointer) {
        writeHex(to: bytes, at: 0)
    }

    func writeHex(to bytes: UnsafeMutableRawBufferPointer, at offset: Int) {
        Hexadecimal.write(high, to: bytes, at: offset)
        Hexadecimal.write(low, to: bytes, at: offset + 16)
    }
}

extension TraceID: CustomStringConvertible {
    /// The hexadecimal form.
    public var description: String { hex }
}

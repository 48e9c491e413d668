/// The identifier of one span in its trace: 8 bytes, never all zero (W3C Trace Context, "parent-id").
public struct SpanID: Hashable, Sendable {
    /// The eight bytes, in network order.
    public let value: UInt64

    /// An identifier of its number; nil if it is zero.
    public init?(_ value: UInt64) {
        guard value != 0 else { return nil }
        self.value = value
    }

    /// An identifier of its 16 lower-case hexadecimal digits; nil for any other text and for all zeros.
    public init?(hex: String) {
        var hex = hex
        guard let value = hex.withUTF8({ SpanID(hex: UnsafeRawBufferPointer($0)[...]) }) else { return nil }
        self = value
    }

    init?(hex bytes: UnsafeRawBufferPointer.SubSequence) {
        guard bytes.count == SpanID.hexLength, let value = Hexadecimal.parse(bytes) else { return nil }
        self.init(value)
    }

    /// A random identifier.
    public static func random(using generator: inout some RandomNumberGenerator) -> SpanID {
        SpanID(nonZero: generator.next())
    }

    /// Zero comes once in 2^64 draws, and becomes 1.
    init(nonZero value: UInt64) {
        self.value = value == 0 ? 1 : value
    }

    // MARK: Text

    /// How many digits the hexadecimal form has.
    package static let hexLength = 16

    /// The 16 lower-case hexadecimal digits.
    public var hex: String {
        String(unsafeUninitializedCapacity: SpanID.hexLength) { bytes in
            writeHex(to: UnsafeMutableRawBufferPointer(bytes))
            return SpanID.hexLength
        }
    }

    /// Writes the 16 hexadecimal digits to the beginning of `bytes`, which must have room for them.
    package func writeHex(to bytes: UnsafeMutableRawBufferPointer) {
        writeHex(to: bytes, at: 0)
    }

    func writeHex(to bytes: UnsafeMutableRawBufferPointer, at offset: Int) {
        Hexadecimal.write(value, to: bytes, at: offset)
    }
}

extension SpanID: CustomStringConvertible {
    /// The hexadecimal form.
    public var description: String { hex }
}

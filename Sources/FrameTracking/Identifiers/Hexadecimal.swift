/// Lower-case hexadecimal text to and from bytes, without a `String` in between.
enum Hexadecimal {
    /// Writes the sixteen digits of `value`, most significant first.
    static func write(_ value: UInt64, to bytes: UnsafeMutableRawBufferPointer, at offset: Int) {
        bytes.storeBytes(
            of: digits(UInt32(truncatingIfNeeded: value >> 32)).bigEndian,
            toByteOffset: offset,
            as: UInt64.self
        )
        bytes.storeBytes(
            of: digits(UInt32(truncatingIfNeeded: value)).bigEndian,
            toByteOffset: offset + 8,
            as: UInt64.self
        )
    }

    /// Writes the eight digits of `value`, most significant first.
    static func write(_ value: UInt32, to bytes: UnsafeMutableRawBufferPointer, at offset: Int) {
        bytes.storeBytes(of: digits(value).bigEndian, toByteOffset: offset, as: UInt64.self)
    }

    /// The number that up to sixteen lower-case digits spell; nil if there is any other character among them.
    static func parse(_ digits: UnsafeRawBufferPointer.SubSequence) -> UInt64? {
        var value: UInt64 = 0
        for digit in UnsafeRawBufferPointer(rebasing: digits) {
            switch digit {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): value = value << 4 | UInt64(digit - UInt8(ascii: "0"))
            case UInt8(ascii: "a")...UInt8(ascii: "f"): value = value << 4 | UInt64(digit - UInt8(ascii: "a") + 10)
            default: return nil
            }
        }
        return value
    }

    /// All eight digits at once, in the bytes of one word: a span writes 96 of them, twice a request.
    private static func digits(_ value: UInt32) -> UInt64 {
        var nibbles = UInt64(value)
        nibbles = (nibbles & 0xFFFF_0000) << 16 | nibbles & 0xFFFF
        nibbles = (nibbles & 0x0000_FF00_0000_FF00) << 8 | nibbles & 0x0000_00FF_0000_00FF
        nibbles = (nibbles & 0x00F0_00F0_00F0_00F0) << 4 | nibbles & 0x000F_000F_000F_000F
        let isLetter = ((nibbles + 0x0606_0606_0606_0606) >> 4) & 0x0101_0101_0101_0101
        return nibbles + 0x3030_3030_3030_3030 + isLetter * 39
    }
}

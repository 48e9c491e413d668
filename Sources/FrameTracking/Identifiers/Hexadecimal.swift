/// Lower-case hexadecimal text to and from bytes, without a `String` in between.
package enum Hexadecimal {
    /// Writes the sixteen digits of `value`, most significant first, to `bytes`, which must have room for them at `offset`.
    package static func write(_ value: UInt64, to bytes: UnsafeMutableRawBufferPointer, at offset: Int) {
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
        let digits = UnsafeRawBufferPointer(rebasing: digits)
        if digits.count == 16 {
            guard let high = eight(digits, at: 0), let low = eight(digits, at: 8) else { return nil }
            return UInt64(high) << 32 | UInt64(low)
        }
        var value: UInt64 = 0
        for digit in digits {
            switch digit {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): value = value << 4 | UInt64(digit - UInt8(ascii: "0"))
            case UInt8(ascii: "a")...UInt8(ascii: "f"): value = value << 4 | UInt64(digit - UInt8(ascii: "a") + 10)
            default: return nil
            }
        }
        return value
    }

    /// The number of eight digits, all at once: what they would be is taken for it, and written to see whether they are.
    private static func eight(_ bytes: UnsafeRawBufferPointer, at offset: Int) -> UInt32? {
        let text = UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
        var nibbles = (text & 0x0F0F_0F0F_0F0F_0F0F) &+ (text >> 6 & 0x0101_0101_0101_0101) &* 9
        nibbles = (nibbles | nibbles >> 4) & 0x00FF_00FF_00FF_00FF
        nibbles = (nibbles | nibbles >> 8) & 0x0000_FFFF_0000_FFFF
        let value = UInt32(truncatingIfNeeded: nibbles | nibbles >> 16)
        return self.digits(value) == text ? value : nil
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

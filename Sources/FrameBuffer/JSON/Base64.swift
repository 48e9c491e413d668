/// Base64 (RFC 4648, section 4): the standard alphabet, padded, without line breaks.
package enum Base64 {
    /// The text is no base64: the first character that can't stand where it stands, counted from 0.
    package struct Invalid: Error, Equatable {
        /// Where that character stands.
        package let offset: Int
    }

    /// Characters that encode `count` bytes.
    package static func encodedCount(_ count: Int) -> Int { (count + 2) / 3 * 4 }

    /// Bytes that `text` stands for, if it is base64.
    package static func decodedCount(_ text: UnsafeRawBufferPointer) -> Int {
        let padding = text.suffix(2).count { $0 == UInt8(ascii: "=") }
        return max(0, text.count / 4 * 3 - padding)
    }

    /// Writes the base64 of `bytes` to `text`, which has room for `encodedCount` characters.
    package static func encode(_ bytes: UnsafeRawBufferPointer, into text: UnsafeMutableRawBufferPointer) {
        let whole = bytes.count / 3 * 3
        pairs.withUnsafeBufferPointer { pairs in
            var read = 0
            var written = 0
            // Six bytes are four lookups of twelve bits, each of which answers two characters.
            while read + 8 <= bytes.count {
                let word = UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: read, as: UInt64.self))
                let low = UInt32(pairs[Int(word >> 52)]) | UInt32(pairs[Int(word >> 40 & 0xFFF)]) << 16
                let high = UInt32(pairs[Int(word >> 28 & 0xFFF)]) | UInt32(pairs[Int(word >> 16 & 0xFFF)]) << 16
                let characters = UInt64(low) | UInt64(high) << 32
                text.storeBytes(of: characters.littleEndian, toByteOffset: written, as: UInt64.self)
                read += 6
                written += 8
            }
            while read < whole {
                let group = Int(bytes[read]) << 16 | Int(bytes[read + 1]) << 8 | Int(bytes[read + 2])
                let characters = UInt32(pairs[group >> 12]) | UInt32(pairs[group & 0xFFF]) << 16
                text.storeBytes(of: characters.littleEndian, toByteOffset: written, as: UInt32.self)
                read += 3
                written += 4
            }
        }
        guard whole < bytes.count else { return }
        let second = whole + 1 < bytes.count ? bytes[whole + 1] : 0
        let written = whole / 3 * 4
        text[written] = alphabet[Int(bytes[whole] >> 2)]
        text[written + 1] = alphabet[Int((bytes[whole] & 3) << 4 | second >> 4)]
        text[written + 2] = whole + 1 < bytes.count ? alphabet[Int((second & 15) << 2)] : UInt8(ascii: "=")
        text[written + 3] = UInt8(ascii: "=")
    }

    /// Writes what `text` stands for to `bytes`, which has room for `decodedCount` bytes.
    ///
    /// Bits behind the last byte may be anything, as with other decoders; blanks and line breaks are refused.
    package static func decode(
        _ text: UnsafeRawBufferPointer,
        into bytes: UnsafeMutableRawBufferPointer
    ) throws(Invalid) {
        guard !text.isEmpty else { return }
        let padding = text.suffix(2).reversed().prefix { $0 == UInt8(ascii: "=") }.count
        let last = text.count - padding
        // What is left of the last group once whole groups are done: 2 or 3 characters where there is padding.
        let tail = last % 4
        let isValid = groups.withUnsafeBufferPointer { groups in
            var read = 0
            var written = 0
            var invalid: UInt32 = 0
            // Eight characters are six bytes; the store writes eight, so the end of the room is left to single groups.
            while read + 8 <= last - tail, written + 8 <= bytes.count {
                let word = UInt64(littleEndian: text.loadUnaligned(fromByteOffset: read, as: UInt64.self))
                let low = group(word, groups)
                let high = group(word >> 32, groups)
                invalid |= low | high
                let six = UInt64(low) & 0xFF_FFFF | UInt64(high) << 24
                bytes.storeBytes(of: six.littleEndian, toByteOffset: written, as: UInt64.self)
                read += 8
                written += 6
            }
            while read < last - tail {
                let word = UInt64(UInt32(littleEndian: text.loadUnaligned(fromByteOffset: read, as: UInt32.self)))
                let three = group(word, groups)
                invalid |= three
                for index in 0..<3 where written + index < bytes.count {
                    bytes[written + index] = UInt8(truncatingIfNeeded: three >> (8 * index))
                }
                read += 4
                written += 3
            }
            if tail > 1 {
                var word: UInt64 = 0x41_41_41_41
                for index in 0..<tail {
                    word &= ~(0xFF << (8 * index))
                    word |= UInt64(text[read + index]) << (8 * index)
                }
                let rest = group(word, groups)
                invalid |= rest
                for index in 0..<tail - 1 where written + index < bytes.count {
                    bytes[written + index] = UInt8(truncatingIfNeeded: rest >> (8 * index))
                }
            }
            return invalid <= 0xFF_FFFF
        }
        if isValid, text.count % 4 == 0, (tail + padding) % 4 == 0 { return }
        throw Invalid(offset: text.prefix(last).firstIndex { groups[Int($0)] > 0xFF_FFFF } ?? last)
    }

    // MARK: Tables

    private static let alphabet = [UInt8](
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8
    )

    /// For each twelve bits their two characters, the first in the low byte.
    private static let pairs: [UInt16] = (0..<4096).map { bits in
        UInt16(alphabet[bits >> 6]) | UInt16(alphabet[bits & 63]) << 8
    }

    /// For each place in a group of four, and each character, its part of the three bytes (the first of them lowest);
    /// what is no character of base64 sets a bit above them.
    private static let groups: [UInt32] = {
        var table = [UInt32](repeating: 1 << 24, count: 4 * 256)
        for (value, character) in alphabet.enumerated() {
            for place in 0..<4 {
                let bits = UInt32(value) << (18 - 6 * place)
                table[place * 256 + Int(character)] = bits >> 16 | bits & 0xFF00 | (bits & 0xFF) << 16
            }
        }
        return table
    }()

    @inline(__always)
    private static func group(_ characters: UInt64, _ table: UnsafeBufferPointer<UInt32>) -> UInt32 {
        table[Int(characters & 0xFF)]
            | table[256 + Int(characters >> 8 & 0xFF)]
            | table[512 + Int(characters >> 16 & 0xFF)]
            | table[768 + Int(characters >> 24 & 0xFF)]
    }
}

/// Checks UTF-8 as the Unicode Standard has it (table 3-7): shortest forms only, no surrogates, nothing above U+10FFFF.
enum UTF8Text {
    /// The length of the sequence of two to four bytes that begins at `index`; 0 where it is not one.
    @inline(__always)
    static func sequenceLength(_ bytes: RawText, at index: Int) -> Int {
        let lead = bytes[index]
        let length: Int
        var second: ClosedRange<UInt8> = 0x80...0xBF
        switch lead {
        case 0xC2...0xDF:
            length = 2
        case 0xE0...0xEF:
            length = 3
            if lead == 0xE0 { second = 0xA0...0xBF }
            if lead == 0xED { second = 0x80...0x9F }
        case 0xF0...0xF4:
            length = 4
            if lead == 0xF0 { second = 0x90...0xBF }
            if lead == 0xF4 { second = 0x80...0x8F }
        default:
            return 0
        }
        guard index + length <= bytes.count, second.contains(bytes[index + 1]) else { return 0 }
        if length > 2, bytes[index + 2] & 0xC0 != 0x80 { return 0 }
        if length > 3, bytes[index + 3] & 0xC0 != 0x80 { return 0 }
        return length
    }

    /// Whether all of `bytes` is UTF-8.
    static func isValid(_ bytes: RawText) -> Bool {
        var index = 0
        while index < bytes.count {
            if index + 8 <= bytes.count,
                bytes.word(at: index) & 0x8080_8080_8080_8080 == 0
            {
                index += 8
            } else if bytes[index] < 0x80 {
                index += 1
            } else {
                let length = sequenceLength(bytes, at: index)
                if length == 0 { return false }
                index += length
            }
        }
        return true
    }

    /// Whether all of `bytes` is ASCII that can be seen, blanks included.
    static func isPrintableASCII(_ bytes: RawText) -> Bool {
        let ones: UInt64 = 0x0101_0101_0101_0101
        var index = 0
        while index &+ 8 <= bytes.count {
            // One added takes DEL, 0x20 subtracted takes what is below a blank, to where the high bit is set.
            let word = bytes.word(at: index)
            if (word | (word &+ ones) | (word &- ones &* 0x20)) & (ones &* 0x80) != 0 { return false }
            index &+= 8
        }
        while index < bytes.count {
            if bytes[index] < 0x20 || bytes[index] > 0x7E { return false }
            index &+= 1
        }
        return true
    }

    /// Whether `bytes`, which are UTF-8, have a character of Unicode's category Cc: U+0000 to U+001F, U+007F to U+009F.
    static func hasControlCharacter(_ bytes: RawText) -> Bool {
        for index in 0..<bytes.count {
            let byte = bytes[index]
            if byte < 0x20 || byte == 0x7F || (byte == 0xC2 && bytes[index + 1] < 0xA0) { return true }
        }
        return false
    }
}

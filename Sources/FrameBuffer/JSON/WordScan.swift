/// Finds the bytes that matter to JSON text, eight at a time.
///
/// Each test sets the high bit of the bytes it looks for. A borrow can spoil only bytes above a true hit, so the lowest
/// set bit is always right, and that is the only one used.
enum WordScan {
    private static let ones: UInt64 = 0x0101_0101_0101_0101
    private static let highs: UInt64 = 0x8080_8080_8080_8080
    private static let quotes = ones &* 0x22
    private static let backslashes = ones &* 0x5C
    private static let spaces = ones &* 0x20

    /// The first index in `start..<bytes.count` whose byte is a quote, a backslash, a control character or not ASCII;
    /// `bytes.count` where there is none.
    @inline(__always)
    static func endOfPlainRun(_ bytes: RawText, from start: Int) -> Int {
        var index = start
        while index &+ 8 <= bytes.count {
            let hits = special(bytes.word(at: index))
            if hits != 0 { return index &+ hits.trailingZeroBitCount / 8 }
            index &+= 8
            if index &- start == 32 { return endOfLongRun(bytes, from: index) }
        }
        while index < bytes.count, bytes[index] < 0x80, !isEscaped(bytes[index]) { index &+= 1 }
        return index
    }

    /// `endOfPlainRun` for long texts. Names and most values are short: with this inlined, they would pay for it.
    @inline(never)
    private static func endOfLongRun(_ bytes: RawText, from start: Int) -> Int {
        var index = start
        while index &+ 32 <= bytes.count {
            let hits =
                special(bytes.word(at: index)) | special(bytes.word(at: index &+ 8))
                | special(bytes.word(at: index &+ 16)) | special(bytes.word(at: index &+ 24))
            if hits != 0 { break }
            index &+= 32
        }
        while index &+ 8 <= bytes.count {
            let hits = special(bytes.word(at: index))
            if hits != 0 { return index &+ hits.trailingZeroBitCount / 8 }
            index &+= 8
        }
        while index < bytes.count, bytes[index] < 0x80, !isEscaped(bytes[index]) { index &+= 1 }
        return index
    }

    /// The first index in `start..<bytes.count` whose byte has to be escaped in a JSON string: a quote, a backslash or
    /// a control character; `bytes.count` where there is none.
    @inline(__always)
    static func nextEscaped(_ bytes: RawText, from start: Int) -> Int {
        var index = start
        while index &+ 8 <= bytes.count {
            let word = bytes.word(at: index)
            let hits = special(word) & ~word
            if hits != 0 { return index &+ hits.trailingZeroBitCount / 8 }
            index &+= 8
        }
        while index < bytes.count, !isEscaped(bytes[index]) { index &+= 1 }
        return index
    }

    /// The first index in `start..<bytes.count` that holds a backslash; `bytes.count` where there is none.
    @inline(__always)
    static func nextBackslash(_ bytes: RawText, from start: Int) -> Int {
        var index = start
        while index &+ 8 <= bytes.count {
            let difference = bytes.word(at: index) ^ backslashes
            let hits = (difference &- ones) & ~difference & highs
            if hits != 0 { return index &+ hits.trailingZeroBitCount / 8 }
            index &+= 8
        }
        while index < bytes.count, bytes[index] != UInt8(ascii: "\\") { index &+= 1 }
        return index
    }

    @inline(__always)
    private static func isEscaped(_ byte: UInt8) -> Bool {
        byte < 0x20 || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\")
    }

    @inline(__always)
    private static func special(_ word: UInt64) -> UInt64 {
        (((word ^ quotes) &- ones) | ((word ^ backslashes) &- ones) | (word &- spaces) | word) & highs
    }
}

/// One member of a JSON object, as ranges of the text it was read from.
package struct JSONMember: Equatable, Sendable {
    /// What kind of value it has.
    package enum Kind: UInt8, Sendable {
        case string, number, bool, null, object, array
    }

    /// The name, without its quotes.
    package let name: JSONText
    /// The value: a string without its quotes, anything else as it stands.
    package let value: JSONText
    /// The value's kind.
    package let kind: Kind

    /// Where the value begins and ends in the text, quotes included.
    package var extent: Range<Int> {
        kind == .string ? value.range.lowerBound - 1..<value.range.upperBound + 1 : value.range
    }
}

/// A part of a JSON text: where it stands, and how long it is once its escapes are undone.
///
/// Offsets are 32 bits wide, as those of `ByteBuffer` are.
package struct JSONText: Equatable, Sendable {
    private let start: UInt32
    private let count: UInt32
    private let unescaped: UInt32

    init(_ range: Range<Int>, unescapedCount: Int) {
        start = UInt32(truncatingIfNeeded: range.lowerBound)
        count = UInt32(truncatingIfNeeded: range.count)
        unescaped = UInt32(truncatingIfNeeded: unescapedCount)
    }

    /// Where it stands, in bytes.
    package var range: Range<Int> { Int(start)..<Int(start) + Int(count) }

    /// Bytes that it has once its escapes are undone.
    package var unescapedCount: Int { Int(unescaped) }

    /// Whether both have as many bytes once their escapes are undone.
    @inline(__always)
    func isAsLong(as other: JSONText) -> Bool { unescaped == other.unescaped }

    /// Whether it has escapes: each is longer than what it stands for.
    package var hasEscapes: Bool { unescaped != count }

    /// The part itself, escapes and all.
    @inline(__always)
    func raw(in bytes: RawText) -> RawText { bytes[range] }

    /// Calls `body` with the part, its escapes undone.
    func withUnescaped<Result>(
        in bytes: RawText,
        _ body: (RawText) -> Result
    ) -> Result {
        guard hasEscapes else { return body(raw(in: bytes)) }
        return withUnsafeTemporaryAllocation(byteCount: unescapedCount, alignment: 1) { memory in
            unescape(in: bytes, into: memory)
            return body(RawText(UnsafeRawBufferPointer(memory)))
        }
    }

    /// Writes the part with its escapes undone to the first `unescapedCount` bytes of `memory`.
    ///
    /// The scanner has found every escape to be whole, and every surrogate to have its partner.
    func unescape(in bytes: RawText, into memory: UnsafeMutableRawBufferPointer) {
        let text = raw(in: bytes)
        var read = 0
        var written = 0
        while read < text.count {
            let backslash = WordScan.nextBackslash(text, from: read)
            UnsafeMutableRawBufferPointer(rebasing: memory[written...]).copyMemory(from: text[read..<backslash].buffer)
            written += backslash - read
            read = backslash
            if read < text.count {
                let escape = JSONEscape(text, at: read)
                for byte in escape.utf8 {
                    memory[written] = byte
                    written += 1
                }
                read += escape.length
            }
        }
    }
}

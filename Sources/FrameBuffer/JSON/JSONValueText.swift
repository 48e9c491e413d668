/// A value as it will stand in JSON text, measured before it is written: so that one reservation is exact, and what
/// needs no escaping is one copy.
///
/// It must not outlive the memory it points into.
struct JSONValueText {
    enum Form {
        /// JSON already.
        case json
        /// A string that stands as it is between its quotes.
        case plain
        /// A string with something to escape.
        case escaped
        /// Bytes that are not UTF-8: a string of their base64.
        case base64
    }

    let bytes: RawText
    let form: Form
    /// Bytes that are written, quotes included.
    let count: Int

    /// `bytes` as a string, or, where they are not UTF-8, as a string of their base64.
    init(string bytes: RawText) {
        self.bytes = bytes
        var added = 0
        var index = 0
        while true {
            index = WordScan.endOfPlainRun(bytes, from: index)
            guard index < bytes.count else { break }
            if bytes[index] < 0x80 {
                added += Self.escapedCount(bytes[index]) - 1
                index += 1
                continue
            }
            repeat {
                let length = UTF8Text.sequenceLength(bytes, at: index)
                if length == 0 {
                    form = .base64
                    count = Base64.encodedCount(bytes.count) + 2
                    return
                }
                index += length
            } while index < bytes.count && bytes[index] >= 0x80
        }
        form = added == 0 ? .plain : .escaped
        count = bytes.count + added + 2
    }

    /// `bytes` as a string; they have nothing to escape.
    init(plain bytes: RawText) {
        self.bytes = bytes
        form = .plain
        count = bytes.count + 2
    }

    /// `bytes`, which are JSON.
    init(json bytes: RawText) {
        self.bytes = bytes
        form = .json
        count = bytes.count
    }

    /// Writes the text to `memory`, which has room for `count` bytes.
    func write(to memory: UnsafeMutableRawPointer) {
        if form == .json { return copy(0..<bytes.count, to: memory) }
        memory.storeBytes(of: UInt8(ascii: "\""), as: UInt8.self)
        switch form {
        case .json, .plain:
            copy(0..<bytes.count, to: memory + 1)
        case .escaped:
            writeEscaped(to: memory + 1)
        case .base64:
            Base64.encode(bytes.buffer, into: UnsafeMutableRawBufferPointer(start: memory + 1, count: count - 2))
        }
        memory.storeBytes(of: UInt8(ascii: "\""), toByteOffset: count - 1, as: UInt8.self)
    }

    private func writeEscaped(to memory: UnsafeMutableRawPointer) {
        var read = 0
        var written = memory
        while true {
            let stop = WordScan.nextEscaped(bytes, from: read)
            copy(read..<stop, to: written)
            written += stop - read
            guard stop < bytes.count else { return }
            written += Self.writeEscape(of: bytes[stop], to: written)
            read = stop + 1
        }
    }

    private func copy(_ range: Range<Int>, to memory: UnsafeMutableRawPointer) {
        memory.copyMemory(from: bytes.base + range.lowerBound, byteCount: range.count)
    }

    /// Bytes that the escape of `byte`, a quote, a backslash or a control character, takes.
    private static func escapedCount(_ byte: UInt8) -> Int {
        shortEscape(byte) == nil ? 6 : 2
    }

    private static func writeEscape(of byte: UInt8, to memory: UnsafeMutableRawPointer) -> Int {
        memory.storeBytes(of: UInt8(ascii: "\\"), as: UInt8.self)
        if let letter = shortEscape(byte) {
            memory.storeBytes(of: letter, toByteOffset: 1, as: UInt8.self)
            return 2
        }
        let low = byte & 15
        memory.storeBytes(of: UInt8(ascii: "u"), toByteOffset: 1, as: UInt8.self)
        memory.storeBytes(of: UInt8(ascii: "0"), toByteOffset: 2, as: UInt8.self)
        memory.storeBytes(of: UInt8(ascii: "0"), toByteOffset: 3, as: UInt8.self)
        memory.storeBytes(of: UInt8(ascii: "0") + byte >> 4, toByteOffset: 4, as: UInt8.self)
        let digit = low < 10 ? UInt8(ascii: "0") + low : UInt8(ascii: "a") + low - 10
        memory.storeBytes(of: digit, toByteOffset: 5, as: UInt8.self)
        return 6
    }

    private static func shortEscape(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"): byte
        case 0x08: UInt8(ascii: "b")
        case 0x09: UInt8(ascii: "t")
        case 0x0A: UInt8(ascii: "n")
        case 0x0C: UInt8(ascii: "f")
        case 0x0D: UInt8(ascii: "r")
        default: nil
        }
    }
}

extension StaticString {
    /// The text's bytes, which live as long as the program.
    var bytes: RawText { RawText(utf8Start, count: utf8CodeUnitCount) }
}

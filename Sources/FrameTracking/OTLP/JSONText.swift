import NIOCore

/// Writes JSON (RFC 8259) into a buffer. Members and elements are separated by whoever writes them.
struct JSONText: ~Copyable {
    private(set) var buffer: ByteBuffer
    /// Whether something stands before the next member or element, from which a comma has to part it.
    private var needsComma = false

    init(capacity: Int) {
        buffer = ByteBufferAllocator().buffer(capacity: capacity)
    }

    consuming func finish() -> ByteBuffer { buffer }

    // MARK: Structure

    mutating func object(_ body: (inout JSONText) -> Void) {
        enclosed("{", "}", body)
    }

    mutating func array(_ body: (inout JSONText) -> Void) {
        enclosed("[", "]", body)
    }

    /// What follows is the member's value.
    mutating func key(_ name: StaticString) {
        separate()
        buffer.writeStaticString("\"")
        buffer.writeStaticString(name)
        buffer.writeStaticString("\":")
        needsComma = false
    }

    private mutating func enclosed(_ open: StaticString, _ close: StaticString, _ body: (inout JSONText) -> Void) {
        separate()
        buffer.writeStaticString(open)
        needsComma = false
        body(&self)
        buffer.writeStaticString(close)
        needsComma = true
    }

    private mutating func separate() {
        if needsComma { buffer.writeStaticString(",") }
    }

    // MARK: Values

    mutating func number(_ value: some BinaryInteger) {
        separate()
        buffer.writeString(String(value))
        needsComma = true
    }

    /// A number of 64 bits, which JSON's readers could not keep: as a text, as protobuf has it.
    mutating func wideNumber(_ value: some BinaryInteger) {
        separate()
        buffer.writeStaticString("\"")
        buffer.writeString(String(value))
        buffer.writeStaticString("\"")
        needsComma = true
    }

    /// What is no number in JSON is a text, as protobuf has it.
    mutating func number(_ value: Double) {
        guard value.isFinite else { return string(value.isNaN ? "NaN" : value > 0 ? "Infinity" : "-Infinity") }
        separate()
        buffer.writeString("\(value)")
        needsComma = true
    }

    mutating func bool(_ value: Bool) {
        separate()
        buffer.writeStaticString(value ? "true" : "false")
        needsComma = true
    }

    mutating func string(_ value: String) {
        separate()
        buffer.writeStaticString("\"")
        if value.utf8.allSatisfy({ $0 >= 0x20 && $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "\\") }) {
            buffer.writeString(value)
        } else {
            for byte in value.utf8 { escape(byte) }
        }
        buffer.writeStaticString("\"")
        needsComma = true
    }

    private mutating func escape(_ byte: UInt8) {
        switch byte {
        case UInt8(ascii: "\""): buffer.writeStaticString("\\\"")
        case UInt8(ascii: "\\"): buffer.writeStaticString("\\\\")
        case 0x20...: buffer.writeInteger(byte)
        default:
            buffer.writeStaticString(byte < 0x10 ? "\\u000" : "\\u00")
            buffer.writeString(String(byte, radix: 16))
        }
    }
}

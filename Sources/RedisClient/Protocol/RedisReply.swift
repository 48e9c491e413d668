internal import NIOCore

/// One reply: its bytes as they came, and where in them its values are.
package final class RedisReply: Sendable {
    /// Where something is.
    struct Span {
        private let start: UInt32
        let count: UInt32

        /// Both fit: no reply is that large.
        init(_ start: Int, _ count: Int) {
            self.start = UInt32(start)
            self.count = UInt32(count)
        }

        var range: Range<Int> { Int(start)..<Int(start) + Int(count) }
    }

    /// One value.
    enum Node {
        /// RESP's null bulk string and null array.
        case null
        case integer(Int)
        /// A bulk or simple string, in `bytes`.
        case string(Span)
        case error(Span)
        /// Its elements, in `elements`.
        case array(Span)
    }

    fileprivate let bytes: ByteBuffer
    fileprivate let elements: [Node]
    private let root: Node

    init(bytes: ByteBuffer, root: Node, elements: [Node]) {
        self.bytes = bytes
        self.root = root
        self.elements = elements
    }

    /// The reply's outermost value.
    package var value: RedisValue { RedisValue(node: root, reply: self) }
}

/// One value inside a reply. It keeps the reply alive; nothing is copied before it is asked for.
package struct RedisValue: Sendable {
    fileprivate let node: RedisReply.Node
    fileprivate let reply: RedisReply

    /// True for RESP's null bulk string and null array.
    package var isNull: Bool {
        if case .null = node { true } else { false }
    }

    /// The value of an integer reply, or of a string that is one.
    package var integer: Int? {
        if case .integer(let number) = node { return number }
        return string.flatMap { Int($0) }
    }

    /// The text of a bulk or simple string; bytes that are not UTF-8 are replaced.
    package var string: String? {
        withBytes { String(decoding: $0, as: UTF8.self) }
    }

    /// The text of an error reply.
    var error: String? {
        guard case .error(let span) = node else { return nil }
        return withBytes(of: span) { String(decoding: $0, as: UTF8.self) }
    }

    /// Calls `body` with the bytes of a bulk or simple string, in place; nil for any other kind of value.
    package func withBytes<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result? {
        guard case .string(let span) = node else { return nil }
        return withBytes(of: span, body)
    }

    /// How many elements an array has; 0 for any other kind of value.
    package var count: Int {
        if case .array(let span) = node { Int(span.count) } else { 0 }
    }

    /// The element at `index`; nil where there is none.
    package subscript(index: Int) -> RedisValue? {
        guard case .array(let span) = node, 0..<Int(span.count) ~= index else { return nil }
        return RedisValue(node: reply.elements[span.range.lowerBound + index], reply: reply)
    }

    /// Calls `body` with each pair of an array of names and values, in place; false, and nothing more is called, where
    /// it is not such an array.
    package func withPairs(_ body: (UnsafeRawBufferPointer, UnsafeRawBufferPointer) -> Void) -> Bool {
        guard case .array(let span) = node, span.count.isMultiple(of: 2) else { return false }
        return reply.bytes.withUnsafeReadableBytes { bytes in
            for index in stride(from: span.range.lowerBound, to: span.range.upperBound, by: 2) {
                guard case .string(let name) = reply.elements[index],
                    case .string(let value) = reply.elements[index + 1]
                else { return false }
                body(
                    UnsafeRawBufferPointer(rebasing: bytes[name.range]),
                    UnsafeRawBufferPointer(rebasing: bytes[value.range])
                )
            }
            return true
        }
    }

    private func withBytes<Result>(of span: RedisReply.Span, _ body: (UnsafeRawBufferPointer) -> Result) -> Result {
        reply.bytes.withUnsafeReadableBytes { body(UnsafeRawBufferPointer(rebasing: $0[span.range])) }
    }
}

import NIOCore

/// Spans that have ended and wait to be sent together, in the form in which they are: fields of OTLP's `ScopeSpans`.
package struct SpanBatch: Sendable {
    /// How many they are.
    package private(set) var count = 0
    /// The spans, one field each, in the order in which they ended.
    private(set) var bytes = ByteBuffer()

    /// The number of a span's field.
    static let field: UInt8 = 2
    private static let mostKept = 16 << 20

    /// Takes in a span that has ended.
    mutating func append(_ span: borrowing SpanRecord) {
        count += 1
        bytes.writeProtobuf { $0.span(Self.field, span) }
    }

    /// Forgets all spans, and keeps the memory that they took unless it is unusually much.
    mutating func removeAll() {
        count = 0
        if bytes.capacity > Self.mostKept { bytes = ByteBuffer() } else { bytes.clear() }
    }
}

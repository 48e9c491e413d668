/// Spans that have ended and wait to be sent together, in the form in which they are: fields of OTLP's `ScopeSpans`.
package struct SpanBatch: Sendable {
    /// How many they are.
    package private(set) var count = 0
    /// The spans, one field each, in the order in which they ended.
    private(set) var bytes: [UInt8] = []

    /// The number of a span's field.
    static let field: UInt8 = 2
    private static let mostKept = 16 << 20
    /// What a span takes, as a rule, beside its attributes, events and links.
    private static let roomForTheRest = 256

    /// Takes in a span that has ended.
    mutating func append(_ span: SpanRecord) {
        count += 1
        bytes.appendProtobuf(room: span.fields.bytes.count + Self.roomForTheRest) { $0.span(Self.field, span) }
    }

    /// Forgets all spans, and keeps the memory that they took unless it is unusually much.
    mutating func removeAll() {
        count = 0
        bytes.removeAll(keepingCapacity: bytes.capacity <= Self.mostKept)
    }
}

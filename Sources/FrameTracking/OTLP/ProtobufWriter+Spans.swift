/// The messages of opentelemetry-proto's `trace.proto` and `common.proto`.
extension ProtobufWriter {
    /// A `Span`, of which most is written already.
    mutating func span(_ field: UInt8, _ span: SpanRecord) {
        // Spans of 128 bytes to 16 KB have lengths of two bytes.
        message(field, lengthBytes: 2) { writer in
            writer.fields(span.fields.bytes)
            writer.fixed64(8, span.end)
            writer.varint(10, UInt64(span.fields.droppedAttributes))
            writer.varint(12, UInt64(span.fields.droppedEvents))
            writer.varint(14, UInt64(span.fields.droppedLinks))
            writer.status(15, span.status)
        }
    }

    /// The fields of a `Span` that are known when it starts.
    mutating func start(
        _ name: String,
        _ kind: SpanRecord.Kind,
        _ context: SpanContext,
        parent: SpanContext?,
        at time: UInt64
    ) {
        identifier(1, context.traceID)
        identifier(2, context.spanID)
        if let traceState = context.traceState { string(3, traceState.rawValue) }
        if let parent { identifier(4, parent.spanID) }
        string(5, name)
        varint(6, UInt64(kind.rawValue))
        fixed64(7, time)
        flags(16, context.flags, isRemote: parent?.isRemote ?? false)
    }

    /// The name of a `Span`, in place of the one before: of several fields with one number the last counts.
    mutating func rename(_ name: String) {
        guard reserve(11 + name.utf8.count) else { return }
        name.withBytes { putText(5, $0) }
    }

    /// A `Span.Event`.
    mutating func event(
        _ field: UInt8,
        _ name: String,
        at time: UInt64,
        _ attributes: [SpanRecord.Attribute],
        dropped: UInt32
    ) {
        message(field) { writer in
            writer.fixed64(1, time)
            writer.string(2, name)
            for attribute in attributes { writer.attribute(3, attribute) }
            writer.varint(4, UInt64(dropped))
        }
    }

    /// A `Span.Link`.
    mutating func link(
        _ field: UInt8,
        _ context: SpanContext,
        _ attributes: [SpanRecord.Attribute],
        dropped: UInt32
    ) {
        message(field) { writer in
            writer.identifier(1, context.traceID)
            writer.identifier(2, context.spanID)
            if let traceState = context.traceState { writer.string(3, traceState.rawValue) }
            for attribute in attributes { writer.attribute(4, attribute) }
            writer.varint(5, UInt64(dropped))
            writer.flags(6, context.flags, isRemote: context.isRemote)
        }
    }

    private mutating func status(_ field: UInt8, _ status: SpanRecord.Status) {
        switch status {
        case .unset: break
        case .ok: message(field) { $0.varint(3, 1) }
        case .error(let text):
            message(field) { writer in
                if let text { writer.string(2, text) }
                writer.varint(3, 2)
            }
        }
    }

    private mutating func flags(_ field: UInt8, _ flags: TraceFlags, isRemote: Bool) {
        let value = SpanRecord.flags(flags, isRemote: isRemote)
        // Fields from 16 on have tags of two bytes.
        if field < 16 { fixed32(field, value) } else { fixed32(wide: field, value) }
    }

    /// A `KeyValue`.
    mutating func attribute(_ field: UInt8, _ attribute: SpanRecord.Attribute) {
        attribute.key.withBytes { key in
            switch attribute.value {
            case .string(let value): value.withBytes { self.attribute(field, key, $0) }
            case .int(let value): self.attribute(field, key, value)
            case .bool(let value): pair(field, key, valueLength: 2) { $0.putNumber(2, value ? 1 : 0) }
            case .double(let value): pair(field, key, valueLength: 9) { $0.fixed64(4, value.bitPattern) }
            case .strings(let values):
                let elements = values.map { Self.lengthOfField(Self.lengthOfField($0.utf8.count)) }.reduce(0, +)
                pair(field, key, valueLength: Self.lengthOfField(elements)) { writer in
                    writer.putHeader(5, length: elements)
                    for value in values {
                        writer.putHeader(1, length: Self.lengthOfField(value.utf8.count))
                        value.withBytes { writer.putText(1, $0) }
                    }
                }
            }
        }
    }

    // Attributes are most of what a span is, so the usual kinds of values are written in one go.

    /// A `KeyValue` of a text.
    @inline(__always)
    mutating func attribute(_ field: UInt8, _ key: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) {
        pair(field, key, valueLength: Self.lengthOfField(value.count)) { $0.putText(1, value) }
    }

    /// A `KeyValue` of a number.
    @inline(__always)
    mutating func attribute(_ field: UInt8, _ key: UnsafeRawBufferPointer, _ value: Int) {
        let bits = UInt64(bitPattern: Int64(value))
        pair(field, key, valueLength: 1 + Self.varintLength(bits)) { $0.putNumber(3, bits) }
    }

    /// A `KeyValue` whose `AnyValue` has so many bytes, which `body` writes; there is room for them.
    @inline(__always)
    private mutating func pair(
        _ field: UInt8,
        _ key: UnsafeRawBufferPointer,
        valueLength: Int,
        _ body: (inout ProtobufWriter) -> Void
    ) {
        header(field, length: Self.lengthOfField(key.count) + Self.lengthOfField(valueLength))
        guard !hasOverflowed else { return }
        putText(1, key)
        putHeader(2, length: valueLength)
        body(&self)
    }
}

extension SpanRecord {
    /// `SpanFlags`: the trace flags, and that it is known whether the context is remote, and whether it is. A root
    /// has no parent that could be remote, which counts as known.
    fileprivate static func flags(_ flags: TraceFlags, isRemote: Bool) -> UInt32 {
        UInt32(flags.rawValue) | 0x100 | (isRemote ? 0x200 : 0)
    }
}

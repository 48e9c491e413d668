import NIOCore

/// The parts of a span, read from their fields: for receivers that don't take protobuf.
extension SpanFields {
    /// In the order in which they were set; keys are distinct.
    var attributes: [SpanRecord.Attribute] { messages(Number.attribute).map { SpanRecord.Attribute($0) } }

    /// In the order in which they were added.
    var events: [SpanRecord.Event] { messages(Number.event).map { SpanRecord.Event($0) } }

    /// In the order in which they were added.
    var links: [SpanRecord.Link] { messages(Number.link).compactMap { SpanRecord.Link($0) } }

    private func messages(_ number: UInt8) -> [ArraySlice<UInt8>] {
        ProtobufReader(bytes.readableBytesView).compactMap { field in
            if case (UInt64(number), .bytes(let message)) = field { message } else { nil }
        }
    }
}

extension SpanRecord.Attribute {
    fileprivate init(_ message: ArraySlice<UInt8>) {
        self.init("", "")
        for field in ProtobufReader(message) {
            switch field {
            case (1, .bytes(let bytes)): self = Self(text(bytes), value)
            case (2, .bytes(let bytes)): value = AttributeValue(bytes)
            default: break
            }
        }
    }
}

extension AttributeValue {
    fileprivate init(_ message: ArraySlice<UInt8>) {
        var reader = ProtobufReader(message)
        switch reader.next() {
        case (1, .bytes(let bytes))?: self = .string(text(bytes))
        case (2, .varint(let value))?: self = .bool(value != 0)
        case (3, .varint(let value))?: self = .int(Int(truncatingIfNeeded: value))
        case (4, .fixed(let bytes))?: self = .double(Double(bitPattern: number(bytes)))
        case (5, .bytes(let list))?:
            self = .strings(
                ProtobufReader(list).map { field in
                    if case (_, .bytes(let value)) = field, case .string(let text) = AttributeValue(value) {
                        text
                    } else {
                        ""
                    }
                }
            )
        default: self = ""
        }
    }
}

extension SpanRecord.Event {
    fileprivate init(_ message: ArraySlice<UInt8>) {
        var event = Self(name: "", time: 0, attributes: [])
        for field in ProtobufReader(message) {
            switch field {
            case (1, .fixed(let bytes)): event.time = number(bytes)
            case (2, .bytes(let bytes)): event.name = text(bytes)
            case (3, .bytes(let attribute)): event.attributes.append(SpanRecord.Attribute(attribute))
            case (4, .varint(let count)): event.droppedAttributes = UInt32(truncatingIfNeeded: count)
            default: break
            }
        }
        self = event
    }
}

extension SpanRecord.Link {
    fileprivate init?(_ message: ArraySlice<UInt8>) {
        var (traceID, spanID): (TraceID?, SpanID?)
        var traceState: TraceState?
        var flags: UInt32 = 0
        var attributes: [SpanRecord.Attribute] = []
        var dropped: UInt32 = 0
        for field in ProtobufReader(message) {
            switch field {
            case (1, .bytes(let id)):
                traceID = TraceID(high: number(id.prefix(8).reversed()), low: number(id.suffix(8).reversed()))
            case (2, .bytes(let id)): spanID = SpanID(number(id.reversed()))
            case (3, .bytes(let state)): traceState = TraceState(text(state))
            case (4, .bytes(let attribute)): attributes.append(SpanRecord.Attribute(attribute))
            case (5, .varint(let count)): dropped = UInt32(truncatingIfNeeded: count)
            case (6, .fixed(let bytes)): flags = UInt32(truncatingIfNeeded: number(bytes))
            default: break
            }
        }
        guard let traceID, let spanID else { return nil }
        let context = SpanContext(
            traceID: traceID,
            spanID: spanID,
            flags: TraceFlags(rawValue: UInt8(truncatingIfNeeded: flags)),
            traceState: traceState,
            isRemote: flags & SpanRecord.isRemote != 0
        )
        self.init(context, attributes: attributes)
        droppedAttributes = dropped
    }
}

private func text(_ bytes: ArraySlice<UInt8>) -> String { String(decoding: bytes, as: UTF8.self) }

/// A number whose first byte is its lowest.
private func number(_ bytes: some BidirectionalCollection<UInt8>) -> UInt64 {
    bytes.reversed().reduce(0) { $0 << 8 | UInt64($1) }
}

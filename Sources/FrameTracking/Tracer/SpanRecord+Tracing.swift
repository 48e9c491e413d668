import Tracing

/// From the types of swift-distributed-tracing to our own.
extension SpanRecord {
    /// The attributes that OTLP can carry, in the order of their keys; an empty key is none.
    static func attributes(_ attributes: SpanAttributes) -> [Attribute] {
        var list: [Attribute] = []
        list.reserveCapacity(attributes.count)
        attributes.forEach { key, value in
            if !key.isEmpty, let value = AttributeValue(value) { list.append(Attribute(key, value)) }
        }
        return list.sorted { $0.key < $1.key }
    }
}

extension SpanRecord.Status {
    init(_ status: SpanStatus) {
        switch status.code {
        case .ok: self = .ok
        case .error: self = .error(status.message)
        }
    }
}

extension AttributeValue {
    /// Arrays of anything but strings become arrays of their texts.
    init?(_ attribute: SpanAttribute) {
        switch attribute {
        case .int32(let value): self = .int(Int(value))
        case .int64(let value): self = .int(Int(value))
        case .double(let value): self = .double(value)
        case .bool(let value): self = .bool(value)
        case .string(let value): self = .string(value)
        case .stringConvertible(let value): self = .string(value.description)
        case .stringArray(let values): self = .strings(values)
        case .int32Array(let values): self = .strings(values.map(\.description))
        case .int64Array(let values): self = .strings(values.map(\.description))
        case .doubleArray(let values): self = .strings(values.map(\.description))
        case .boolArray(let values): self = .strings(values.map(\.description))
        case .stringConvertibleArray(let values): self = .strings(values.map(\.description))
        default: return nil
        }
    }
}

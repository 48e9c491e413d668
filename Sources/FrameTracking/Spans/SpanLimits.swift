/// How much a span takes in (OpenTelemetry SDK, "Span Limits" and "Attribute Limits"). What goes beyond is dropped and
/// counted in the span, and longer texts are cut.
public struct SpanLimits: Hashable, Sendable {
    /// How many attributes a span may have.
    public var attributeCountLimit = 128
    /// How many characters a text may have, alone or in a list; nil for any number.
    public var attributeValueLengthLimit: Int?
    /// How many events a span may have.
    public var eventCountLimit = 128
    /// How many links a span may have.
    public var linkCountLimit = 128
    /// How many attributes an event may have.
    public var attributePerEventCountLimit = 128
    /// How many attributes a link may have.
    public var attributePerLinkCountLimit = 128

    /// The specification's defaults.
    public init() {}
}

extension AttributeValue {
    /// The value with its texts cut to `length` characters, by which the specification means code points.
    consuming func cut(to length: Int) -> AttributeValue {
        switch self {
        case .string(let text): .string(AttributeValue.cut(text, to: length))
        case .strings(let texts): .strings(texts.map { AttributeValue.cut($0, to: length) })
        case .int, .double, .bool: self
        }
    }

    private static func cut(_ text: String, to length: Int) -> String {
        // No text has more characters than bytes, and most have no more than the limit.
        text.utf8.count <= length ? text : String(text.unicodeScalars.prefix(length))
    }
}

extension SpanRecord {
    /// ``SpanLimits`` as each record holds them: 24 bytes, and a comparison where something is added.
    struct Limits: Sendable {
        let attributes: UInt32
        let events: UInt32
        let links: UInt32
        let attributesOfAnEvent: UInt32
        let attributesOfALink: UInt32
        /// No text is as long as the highest number, which stands for no limit.
        let valueLength: UInt32

        static var standard: Limits { Limits(SpanLimits()) }

        init(_ limits: SpanLimits) {
            attributes = UInt32(clamping: limits.attributeCountLimit)
            events = UInt32(clamping: limits.eventCountLimit)
            links = UInt32(clamping: limits.linkCountLimit)
            attributesOfAnEvent = UInt32(clamping: limits.attributePerEventCountLimit)
            attributesOfALink = UInt32(clamping: limits.attributePerLinkCountLimit)
            valueLength = limits.attributeValueLengthLimit.map { UInt32(clamping: $0) } ?? .max
        }

        /// Cuts the value.
        @inline(__always)
        func apply(to attribute: inout Attribute) {
            if valueLength != .max { attribute.value = attribute.value.cut(to: Int(valueLength)) }
        }

        /// Cuts the values and drops what is beyond `count`; returns how many were dropped.
        func apply(to attributes: inout [Attribute], count: UInt32) -> UInt32 {
            let dropped = max(0, attributes.count - Int(count))
            if dropped > 0 { attributes.removeLast(dropped) }
            if valueLength != .max {
                for index in attributes.indices { apply(to: &attributes[index]) }
            }
            return UInt32(clamping: dropped)
        }
    }
}

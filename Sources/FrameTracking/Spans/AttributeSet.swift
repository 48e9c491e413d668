/// Attributes that are the same for many spans, written down once.
package struct AttributeSet: Sendable {
    let attributes: [SpanRecord.Attribute]
    /// As fields of OTLP's `Span`.
    let bytes: [UInt8]
    let keys: KeyFilter

    /// - Parameter attributes: with distinct keys.
    package init(_ attributes: [SpanRecord.Attribute]) {
        var bytes: [UInt8] = []
        var keys = KeyFilter()
        for attribute in attributes {
            bytes.appendProtobuf { $0.attribute(SpanFields.Number.attribute, attribute) }
            keys.insert(attribute.key.withBytes { KeyFilter($0) })
        }
        self.attributes = attributes
        self.bytes = bytes
        self.keys = keys
    }

    /// How many there are.
    var count: UInt32 { UInt32(attributes.count) }
}

extension AttributeSet: ExpressibleByDictionaryLiteral {
    /// Attributes with distinct keys, in this order.
    package init(dictionaryLiteral elements: (String, AttributeValue)...) {
        self.init(elements.map { SpanRecord.Attribute($0, $1) })
    }
}

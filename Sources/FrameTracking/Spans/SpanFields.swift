/// What a span says, as fields of OTLP's `Span` from the moment when it is told.
///
/// So a span that has ended goes to its receiver by copies of these bytes, and nothing is left to be encoded or freed piece by
/// piece.
struct SpanFields: Sendable {
    /// The fields, in the order in which they were added.
    private(set) var bytes: [UInt8] = []

    private(set) var attributeCount: UInt32 = 0
    private(set) var eventCount: UInt32 = 0
    private(set) var linkCount: UInt32 = 0
    /// How many attributes there was no room for.
    private(set) var droppedAttributes: UInt32 = 0
    /// How many events there was no room for.
    private(set) var droppedEvents: UInt32 = 0
    /// How many links there was no room for.
    private(set) var droppedLinks: UInt32 = 0

    /// Which keys there may be: most are the first of their kind, and need no search for a former value.
    private var keys = KeyFilter()

    /// Their numbers in `Span`.
    enum Number {
        static let attribute: UInt8 = 9
        static let event: UInt8 = 11
        static let link: UInt8 = 13
    }

    /// Those of a span that is not recorded.
    init() {}

    /// Those of a span that starts.
    init(
        _ name: String,
        _ kind: SpanRecord.Kind,
        _ context: SpanContext,
        parent: SpanContext?,
        attributes set: AttributeSet?,
        _ limits: SpanRecord.Limits,
        at time: UInt64
    ) {
        let isWhole = set.map { $0.count <= limits.attributes && limits.valueLength == .max } ?? false
        // A span that has a set has more besides; one without has little as a rule, and may be open for long.
        bytes.appendProtobuf(room: set == nil ? 128 : 1000) { writer in
            writer.start(name, kind, context, parent: parent, at: time)
            if let set, isWhole { writer.fields(set.bytes) }
        }
        guard let set else { return }
        if isWhole {
            keys = set.keys
            attributeCount = set.count
        } else {
            for attribute in set.attributes { setAttribute(attribute, limits) }
        }
    }

    // MARK: Adding

    mutating func rename(_ name: String) {
        bytes.appendProtobuf { $0.rename(name) }
    }

    mutating func setAttribute(_ attribute: consuming SpanRecord.Attribute, _ limits: SpanRecord.Limits) {
        limits.apply(to: &attribute)
        let bit = attribute.key.withBytes { KeyFilter($0) }
        if keys.overlaps(bit), let former = rangeOfAttribute(attribute.key) {
            replace(former, with: attribute)
        } else if Self.hasRoom(&attributeCount, upTo: limits.attributes, dropped: &droppedAttributes) {
            keys.insert(bit)
            bytes.appendProtobuf { $0.attribute(Number.attribute, attribute) }
        }
    }

    /// Sets an attribute to a text in UTF-8.
    mutating func setAttribute(_ key: StaticString, _ value: UnsafeRawBufferPointer, _ limits: SpanRecord.Limits) {
        guard value.count <= limits.valueLength, takesFirst(key.bytes, limits) else {
            return setAttribute(.init("\(key)", .string(String(decoding: value, as: UTF8.self))), limits)
        }
        bytes.appendProtobuf { $0.attribute(Number.attribute, key.bytes, value) }
    }

    mutating func setAttribute(_ key: StaticString, _ value: Int, _ limits: SpanRecord.Limits) {
        guard takesFirst(key.bytes, limits) else { return setAttribute(.init("\(key)", .int(value)), limits) }
        bytes.appendProtobuf { $0.attribute(Number.attribute, key.bytes, value) }
    }

    /// Counts an attribute that is to be added as it stands, as nearly all are: there is room for it, and none of its key.
    @inline(__always)
    private mutating func takesFirst(_ key: UnsafeRawBufferPointer, _ limits: SpanRecord.Limits) -> Bool {
        let bit = KeyFilter(key)
        guard !keys.overlaps(bit), attributeCount < limits.attributes else { return false }
        keys.insert(bit)
        attributeCount += 1
        return true
    }

    mutating func addEvent(
        _ name: String,
        at time: UInt64,
        _ attributes: consuming [SpanRecord.Attribute],
        _ limits: SpanRecord.Limits
    ) {
        guard Self.hasRoom(&eventCount, upTo: limits.events, dropped: &droppedEvents) else { return }
        let dropped = limits.apply(to: &attributes, count: limits.attributesOfAnEvent)
        // No more than it takes: a context that is open says little else.
        let room = attributes.isEmpty ? 24 + name.utf8.count : 128
        bytes.appendProtobuf(room: room) { $0.event(Number.event, name, at: time, attributes, dropped: dropped) }
    }

    mutating func addLink(
        _ context: SpanContext,
        _ attributes: consuming [SpanRecord.Attribute],
        _ limits: SpanRecord.Limits
    ) {
        guard Self.hasRoom(&linkCount, upTo: limits.links, dropped: &droppedLinks) else { return }
        let dropped = limits.apply(to: &attributes, count: limits.attributesOfALink)
        bytes.appendProtobuf { $0.link(Number.link, context, attributes, dropped: dropped) }
    }

    /// Counts one more among those that are taken in, or that are dropped.
    private static func hasRoom(_ count: inout UInt32, upTo limit: UInt32, dropped: inout UInt32) -> Bool {
        guard count < limit else {
            dropped += 1
            return false
        }
        count += 1
        return true
    }

    // MARK: Replacing

    /// Where the attribute of that key is, as a field.
    private func rangeOfAttribute(_ key: String) -> Range<Int>? {
        bytes.withUnsafeBytes { bytes in
            var start = 0
            while start < bytes.count {
                let field = ProtobufField(at: start, in: bytes)
                if field.number == Int(Number.attribute) {
                    let name = ProtobufField(at: field.value.lowerBound, in: bytes)
                    if name.value.count == key.utf8.count, bytes[name.value].elementsEqual(key.utf8) {
                        return start..<field.value.upperBound
                    }
                }
                start = field.value.upperBound
            }
            return nil
        }
    }

    private mutating func replace(_ former: Range<Int>, with attribute: SpanRecord.Attribute) {
        let rest = bytes[former.upperBound...]
        bytes.removeSubrange(former.lowerBound...)
        bytes.appendProtobuf { $0.attribute(Number.attribute, attribute) }
        bytes += rest
    }
}

extension String {
    /// Calls `body` with the text in UTF-8.
    @inline(__always)
    func withBytes<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result {
        // This counts no reference, which `withUTF8` does; only what another runtime made is not contiguous.
        if let result = utf8.withContiguousStorageIfAvailable({ body(UnsafeRawBufferPointer($0)) }) { return result }
        var text = self
        return text.withUTF8 { body(UnsafeRawBufferPointer($0)) }
    }
}

extension StaticString {
    /// The text in UTF-8.
    var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: utf8Start, count: utf8CodeUnitCount) }
}

/// A frame as it stands in the stream: the fields of one entry, whoever wrote it.
///
/// It points into the memory of the fields and copies nothing: it must not outlive the call that lent them.
///
/// Of fields with one name the last counts, as it does for clients that make a dictionary of an entry.
package struct StoredFrame {
    /// One field.
    struct Field {
        let name: RawText
        let value: RawText
        let known: FrameField?
        /// Whether the text is JSON, as `_json` says.
        var isJSON = false
    }

    private(set) var fields: [Field] = []

    /// Why the entry can't be served; nil where it can.
    package private(set) var unservableReason: String?

    /// Whether the entry can be served; if not, it belongs to the dead letters.
    package var isServable: Bool { unservableReason == nil }

    /// Reads the fields of an entry; `forEachField` calls its argument with the name and the value of each.
    package init(_ forEachField: ((UnsafeRawBufferPointer, UnsafeRawBufferPointer) -> Void) -> Void) {
        fields.reserveCapacity(16)
        forEachField { name, value in
            let name = RawText(name)
            fields.append(Field(name: name, value: RawText(value), known: FrameField(name)))
        }
        let names = NameIndex(fields)
        markJSON(names)
        removeOverruled(names)
    }

    /// Reads the fields of an entry, names and values.
    package init(_ fields: some Sequence<(UnsafeRawBufferPointer, UnsafeRawBufferPointer)>) {
        self.init { body in
            for (name, value) in fields { body(name, value) }
        }
    }

    // MARK: Reading

    /// The entry's `frame_id`; nil where it has none.
    package var frameID: String? { string(.frameID) }

    /// The entry's `camera_id`; nil where it has none.
    package var cameraID: String? { string(.cameraID) }

    /// When the frame was captured, in milliseconds since 1970 (UTC); nil where the entry does not say, or says it so that
    /// it can't be read.
    package var timestampMilliseconds: Int? {
        field(.timestamp).flatMap { FrameTimestamp.milliseconds($0.value) }
    }

    /// The payload: `data`, unless it is JSON or empty.
    package var payload: UnsafeRawBufferPointer? {
        text(.data)?.buffer
    }

    /// Bytes of the payload or, where there is none, of the producer's fields, names and values.
    package var size: Int {
        payload?.count
            ?? fields.reduce(0) { size, field in
                switch field.known {
                case .frameID, .json, .entryTraceparent, .entryTracestate, .entryBaggage: size
                default: size + field.name.count + field.value.count
                }
            }
    }

    /// The payload's media type, if it is fit for a header: printable ASCII.
    package var contentType: String? {
        guard let text = text(.contentType), UTF8Text.isPrintableASCII(text) else { return nil }
        return text.string
    }

    /// Tries the trace context that the entry carries, in the order of precedence, until `parse` takes one.
    ///
    /// - Returns: that context, and which of the producer's own fields are valid context: the `rewriting` of the
    ///   context that the frame leaves with.
    package func carriedContext<Context>(
        _ parse: (CarriedContext) -> Context?
    ) -> (context: Context?, own: OwnContextFields) {
        CarriedContext.resolve(text: { text($0) }, object: field(.traceContext)?.value, parse)
    }

    /// The entry's `_baggage`, whether or not a context is beside it.
    package var carriedBaggage: String? { string(.entryBaggage) }

    func field(_ known: FrameField) -> Field? {
        fields.first { $0.known == known }
    }

    /// The text of a field; nil where it has none, or it is JSON or empty.
    func text(_ known: FrameField) -> RawText? {
        field(known).flatMap { $0.isJSON || $0.value.isEmpty ? nil : $0.value }
    }

    private func string(_ known: FrameField) -> String? { text(known)?.string }

    // MARK: What `_json` says

    private mutating func markJSON(_ names: NameIndex) {
        guard let list = fields.last(where: { $0.known == .json }) else { return }
        let isSound = JSONFieldList.forEachName(in: list.value) { name in
            guard let position = names.last(name, in: fields) else {
                unservableReason = Self.reason(name, "the entry does not have")
                return false
            }
            // A list may name a field again and again: that must not cost more than once.
            if fields[position].isJSON { return true }
            if let error = JSONScanner.validateValue(fields[position].value.buffer) {
                unservableReason = Self.reason(name, "is not JSON: \(error)")
                return false
            }
            fields[position].isJSON = true
            return true
        }
        if !isSound, unservableReason == nil { unservableReason = "_json is not a list of names" }
    }

    private static func reason(_ name: RawText, _ fault: String) -> String {
        "_json names '\(name.string)', which \(fault)"
    }

    /// Leaves of each name its last field.
    private mutating func removeOverruled(_ names: NameIndex) {
        var kept: [Field]?
        for position in fields.indices {
            if names.last(fields[position].name, in: fields) == position {
                kept?.append(fields[position])
            } else if kept == nil {
                kept = Array(fields[..<position])
            }
        }
        if let kept { fields = kept }
    }
}

/// Finds the last field of a name.
private struct NameIndex {
    /// Where the names stand; nil for few fields, where looking at each is quicker.
    private var positions: [ByteName: Int]?

    init(_ fields: [StoredFrame.Field]) {
        guard fields.count > 24 else { return }
        var positions: [ByteName: Int] = [:]
        positions.reserveCapacity(fields.count)
        for (position, field) in fields.enumerated() { positions[ByteName(bytes: field.name)] = position }
        self.positions = positions
    }

    func last(_ name: RawText, in fields: [StoredFrame.Field]) -> Int? {
        if let positions { return positions[ByteName(bytes: name)] }
        return fields.lastIndex { ByteName.areEqual($0.name, name) }
    }
}

import NIOCore

/// A frame as its producer gave it, ready to be written as an entry of the stream.
///
/// It holds the body it came in; texts that are not stored as they stand there lie in a second buffer. A class, as a frame
/// is passed through several rooms and never changes: each copy of a struct would count the references inside.
package final class IncomingFrame: Sendable {
    /// The producer's `frame_id`; nil where one is to be made.
    package let frameID: String?
    /// The frame's camera; nil where it names none.
    package let cameraID: String?
    /// Bytes of the payload or, where there is none, of the producer's fields, names and values.
    package let size: Int

    private let body: ByteBuffer
    private let texts: ByteBuffer
    private let fields: [Field]
    private let entryContext: EntryContext
    /// The number of fields whose text is JSON, and the room that their list needs at most.
    private let jsonFields: (count: Int, listSize: Int)
    private let byteCount: Int
    /// Whether there is anything that may be trace context.
    private let mayCarryContext: Bool

    /// A part of one of the two buffers.
    struct Location {
        enum Source: UInt8 { case body, texts }
        let source: Source
        let start: UInt32
        let count: UInt32

        /// Buffers are indexed with 32 bits.
        init(_ source: Source, _ range: Range<Int>) {
            self.source = source
            start = UInt32(truncatingIfNeeded: range.lowerBound)
            count = UInt32(truncatingIfNeeded: range.count)
        }

        var range: Range<Int> { Int(start)..<Int(start) + Int(count) }
    }

    /// A field of the entry.
    struct Field {
        let name: Location
        var value: Location
        let kind: JSONMember.Kind
        let known: FrameField?
    }

    /// What the producer sent as the entry's own trace context; never stored, as ours takes its place.
    struct EntryContext {
        var traceparent: Location?
        var tracestate: Location?
        var baggage: Location?
    }

    /// The two buffers' bytes.
    struct Memory {
        let body: RawText
        let texts: RawText

        @inline(__always)
        subscript(location: Location) -> RawText {
            (location.source == .body ? body : texts)[location.range]
        }
    }

    init(_ parts: consuming IncomingFrameBuilder) {
        frameID = parts.frameID
        cameraID = parts.cameraID
        entryContext = parts.entryContext
        body = parts.body
        texts = parts.texts
        fields = parts.fields
        var payload: Int?
        var json = (count: 0, listSize: 1)
        var byteCount = 0
        var mayCarryContext = entryContext.traceparent != nil
        for field in fields {
            if field.known == .traceparent || field.known == .traceContext { mayCarryContext = true }
            byteCount += Int(field.name.count) + Int(field.value.count)
            if field.known == .data, field.kind == .string, field.value.count > 0 { payload = Int(field.value.count) }
            if field.kind != .string {
                json.count += 1
                json.listSize += 3 * Int(field.name.count) + 1
            }
        }
        size = payload ?? byteCount
        jsonFields = json
        self.byteCount = byteCount
        self.mayCarryContext = mayCarryContext
    }

    // MARK: The entry

    /// How many fields the entry has when it carries `context`.
    package func fieldCount(context: OutgoingContext?) -> Int {
        var count = 1 + fields.count + (jsonFields.count > 0 ? 1 : 0)
        context?.forEachEntryField { _, _ in count += 1 }
        return count
    }

    /// No entry's names and values are longer, in bytes, than this.
    package func byteCountBound(frameID: String, context: OutgoingContext?) -> Int {
        var count = byteCount + FrameField.frameID.name.utf8CodeUnitCount + frameID.utf8.count
        count += FrameField.json.name.utf8CodeUnitCount + jsonFields.listSize
        if let context {
            context.forEachEntryField { count += $0.name.utf8CodeUnitCount + $1.utf8.count }
            // Rewritten in two fields at most, with the ids.
            if !context.rewriting.isEmpty, let traceparent = context.traceparent { count += 3 * traceparent.utf8.count }
        }
        return count
    }

    /// Calls `body` with the name and the value of each field of the entry, in its order: `frame_id`, the producer's
    /// fields, `_json` where it is needed, the trace context.
    package func forEachField(
        frameID: String,
        context: OutgoingContext?,
        _ body: (UnsafeRawBufferPointer, UnsafeRawBufferPointer) -> Void
    ) {
        frameID.withRawText { body(FrameField.frameID.name.bytes.buffer, $0.buffer) }
        withMemory { memory in
            for field in fields {
                if let context, let rewritten = rewritten(field, with: context, memory) {
                    rewritten.withUnsafeReadableBytes { body(memory[field.name].buffer, $0) }
                } else {
                    body(memory[field.name].buffer, memory[field.value].buffer)
                }
            }
            if jsonFields.count > 0 { withJSONFieldList(memory) { body(FrameField.json.name.bytes.buffer, $0) } }
        }
        context?.forEachEntryField { field, value in
            value.withRawText { body(field.name.bytes.buffer, $0.buffer) }
        }
    }

    /// The producer's own context as it leaves; nil for a field that stays as it is.
    private func rewritten(_ field: Field, with context: OutgoingContext, _ memory: Memory) -> ByteBuffer? {
        switch field.known {
        case .traceparent where context.rewriting.contains(.traceparent):
            context.traceparent.map { ByteBuffer(string: $0) }
        case .traceContext where context.rewriting.contains(.traceContext):
            TraceContextObject(memory[field.value])?.rewritten(with: context)
        default:
            nil
        }
    }

    /// Calls `body` with the list of the fields that are JSON.
    private func withJSONFieldList(_ memory: Memory, _ body: (UnsafeRawBufferPointer) -> Void) {
        withUnsafeTemporaryAllocation(byteCount: jsonFields.listSize, alignment: 1) { list in
            let count = JSONFieldList.write(
                fields.lazy.filter { $0.kind != .string }.map { memory[$0.name] },
                into: list
            )
            body(UnsafeRawBufferPointer(rebasing: list[..<count]))
        }
    }

    // MARK: Trace context

    /// Tries the trace context that the frame carries, in the order of precedence, until `parse` takes one.
    ///
    /// - Returns: that context, and which of the producer's own fields are valid context: the `rewriting` of the
    ///   context that the frame leaves with.
    package func carriedContext<Context>(
        _ parse: (CarriedContext) -> Context?
    ) -> (context: Context?, own: OwnContextFields) {
        guard mayCarryContext else { return (nil, []) }
        return withMemory { memory in
            CarriedContext.resolve(
                text: { known in
                    let location: Location? =
                        switch known {
                        case .entryTraceparent: entryContext.traceparent
                        case .entryTracestate: entryContext.tracestate
                        case .entryBaggage: entryContext.baggage
                        default: fields.first { $0.known == known && $0.kind == .string }?.value
                        }
                    return location.map { memory[$0] }
                },
                object: fields.first { $0.known == .traceContext }.map { memory[$0.value] },
                parse
            )
        }
    }

    /// The `_baggage` that the producer gave the frame, whether or not a context is beside it.
    package var carriedBaggage: String? {
        guard let baggage = entryContext.baggage else { return nil }
        return withMemory { $0[baggage].string }
    }

    private func withMemory<Result>(_ body: (Memory) -> Result) -> Result {
        self.body.withUnsafeReadableBytes { bytes in
            texts.withUnsafeReadableBytes { body(Memory(body: RawText(bytes), texts: RawText($0))) }
        }
    }
}

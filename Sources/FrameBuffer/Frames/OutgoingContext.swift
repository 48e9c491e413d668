/// The trace context that a frame leaves with, in its entry or in a reply, in place of the one it came with.
package final class OutgoingContext: Sendable {
    /// The W3C `traceparent` of version 00, 55 characters; nil where only baggage is passed on.
    package let traceparent: String?
    /// The W3C `tracestate`, where there is one.
    package let tracestate: String?
    /// The W3C `baggage`, where there is any.
    package let baggage: String?
    /// The producer's own fields that were valid context, and say the new one from now on.
    package let rewriting: OwnContextFields

    /// A context; `traceparent` has to be one of version 00.
    package init(
        traceparent: String?,
        tracestate: String? = nil,
        baggage: String? = nil,
        rewriting: OwnContextFields = []
    ) {
        self.traceparent = traceparent
        self.tracestate = tracestate
        self.baggage = baggage
        self.rewriting = traceparent == nil ? [] : rewriting
    }

    /// The trace's id in hexadecimal.
    package var traceID: String? { part(Self.traceIDRange) }

    /// Where it is in a `traceparent`.
    fileprivate static let traceIDRange = 3..<35

    /// The span's id in hexadecimal.
    var spanID: String? { part(36..<52) }

    /// The fields of the entry that carry the context, with their values.
    func forEachEntryField(_ body: (FrameField, String) -> Void) {
        if let traceparent { body(.entryTraceparent, traceparent) }
        if let tracestate { body(.entryTracestate, tracestate) }
        if let baggage { body(.entryBaggage, baggage) }
    }

    private func part(_ range: Range<Int>) -> String? {
        traceparent?.withRawText { $0[range].string }
    }
}

extension JSONWriter {
    /// Appends the trace's id as a member, `null` where there is none; `name` must need no escapes.
    package mutating func member(_ name: StaticString, traceIDOf context: OutgoingContext?) {
        guard let traceparent = context?.traceparent else { return literal(name, "null") }
        traceparent.withRawText { append(name, JSONValueText(plain: $0[OutgoingContext.traceIDRange])) }
    }
}

/// The fields of a producer's own that may carry trace context.
package struct OwnContextFields: OptionSet, Sendable {
    /// One bit a field.
    package let rawValue: UInt8

    /// The fields whose bits are set.
    package init(rawValue: UInt8) {
        self.rawValue = rawValue
    }

    /// `traceparent`.
    package static let traceparent = OwnContextFields(rawValue: 1)
    /// `trace_context`, an object of `trace_id`, `span_id`, `traceparent` and what else the producer puts there.
    package static let traceContext = OwnContextFields(rawValue: 2)
}

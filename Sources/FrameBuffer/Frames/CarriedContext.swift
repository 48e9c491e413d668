/// Trace context as a frame carries it: raw texts, whose validity is for others to judge.
package struct CarriedContext: Equatable, Sendable {
    /// What should be a W3C `traceparent`.
    package let traceparent: String
    /// What should be a W3C `tracestate`.
    package let tracestate: String?
    /// What should be W3C `baggage`.
    package let baggage: String?

    /// Tries what a frame carries until `parse` takes one: `_traceparent`, then `traceparent`, then `trace_context`. What it
    /// refuses counts as absent.
    ///
    /// - Parameters:
    ///   - text: the value of a field that is a string.
    ///   - object: the value of `trace_context`: an object or, from who writes nothing but text, the text of one.
    /// - Returns: the first context that `parse` takes, and which of the producer's own fields hold one that it takes.
    static func resolve<Context>(
        text: (FrameField) -> RawText?,
        object: RawText?,
        _ parse: (CarriedContext) -> Context?
    ) -> (context: Context?, own: OwnContextFields) {
        let entry = CarriedContext(.entryTraceparent, .entryTracestate, .entryBaggage, in: text).flatMap(parse)
        let traceparent = CarriedContext(.traceparent, .tracestate, .baggage, in: text).flatMap(parse)
        let traceContext = object.flatMap(TraceContextObject.init)?.first(parse)
        var own: OwnContextFields = []
        if traceparent != nil { own.insert(.traceparent) }
        if traceContext != nil { own.insert(.traceContext) }
        return (entry ?? traceparent ?? traceContext, own)
    }
}

extension CarriedContext {
    /// The context that scripts read from an entry; nil without the first of them.
    init?(traceparent: String?, tracestate: String?) {
        guard let traceparent else { return nil }
        self.init(traceparent: traceparent, tracestate: tracestate, baggage: nil)
    }

    /// The context in three fields; nil without the first of them.
    private init?(
        _ traceparent: FrameField,
        _ tracestate: FrameField,
        _ baggage: FrameField,
        in text: (FrameField) -> RawText?
    ) {
        func string(_ field: FrameField) -> String? {
            text(field).map { $0.string }
        }
        guard let parent = string(traceparent) else { return nil }
        self.init(traceparent: parent, tracestate: string(tracestate), baggage: string(baggage))
    }
}

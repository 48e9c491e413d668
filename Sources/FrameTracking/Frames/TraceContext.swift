public import Tracing

/// The span of one step in a frame's way, and its context to hand on.
///
/// The closures of `inject` and `extract` are the step: the span starts with them, ends with them, is an error if they
/// throw, and is the current one within them. All of it works without any set-up; without an exporter only the context
/// is carried on.
public struct TraceContext: Sendable {
    /// The frame that the step is about, if it is known.
    public let frameID: String?

    private let span: FrameSpan

    init(frameID: String?, span: FrameSpan) {
        self.frameID = frameID
        self.span = span
        if let frameID { setAttribute("frame.id", frameID) }
    }

    // MARK: The span

    /// Adds an event, now.
    public func addEvent(_ name: String, attributes: SpanAttributes = [:]) {
        span.addEvent(SpanEvent(name: name, attributes: attributes))
    }

    /// Sets an attribute, in place of a former value.
    public func setAttribute(_ name: String, _ value: some SpanAttributeConvertible) {
        span.setAttribute(name, value.toSpanAttribute())
    }

    /// The context to hand on; nil if tracing is disabled and none came in.
    public var spanContext: SpanContext? { span.context.spanContext }

    /// The trace's identifier, in hexadecimal digits.
    public var traceID: String? { spanContext?.traceID.hex }

    /// The span's identifier, in hexadecimal digits.
    public var spanID: String? { spanContext?.spanID.hex }

    // MARK: Handing on

    /// nil if `OTEL_PROPAGATORS` leaves trace contexts out, too.
    private var handedOn: SpanContext? { span.tracer.carried(spanContext) }

    /// The `traceparent` header for whoever comes next.
    public func toHeader() -> String? {
        handedOn.map { TraceParent.format($0) }
    }

    /// The `trace_context` object for whoever comes next: `trace_id`, `span_id`, `traceparent`.
    public func toDictionary() -> [String: String] {
        handedOn?.dictionary ?? [:]
    }

    /// Writes `_traceparent` and `_tracestate` into a message's fields, and `_baggage` if there is any.
    public func inject(toCarrier carrier: inout [String: String]) {
        handedOn?.inject(into: &carrier)
        if let baggage = span.tracer.carried(span.context.baggage) { carrier["_baggage"] = baggage.rawValue }
    }

    /// Makes this step the one that handed the frame on.
    public func inject(toMetadata metadata: inout FrameMetadata) {
        if let handedOn { metadata.spanContext = handedOn }
    }
}

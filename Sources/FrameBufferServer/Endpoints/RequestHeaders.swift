internal import FrameTracking
internal import HTTPServer

/// What a request's fields say of its trace.
struct RequestHeaders {
    /// The caller's context. More than one `traceparent` is as good as none, as the specification has it.
    private(set) var context: SpanContext?
    /// What is valid of the caller's `baggage`.
    private(set) var baggage: Baggage?

    /// Reads contexts as far as `propagators` do.
    init(_ headers: RequestFields, propagators: Propagators) {
        if propagators.contains(.traceContext), headers.count(of: "traceparent") == 1 {
            context = headers.first("traceparent").flatMap(TraceParent.parse)
            let states = context == nil ? [] : headers.all("tracestate")
            if !states.isEmpty { context = context?.with(traceState: TraceState(combining: states)) }
        }
        if propagators.contains(.baggage) {
            let baggage = headers.all("baggage")
            if !baggage.isEmpty { self.baggage = Baggage(combining: baggage) }
        }
    }
}

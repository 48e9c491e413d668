internal import FrameTracking
internal import HTTPServer

/// What a request's fields say of its trace, as far as `propagators` read it.
extension RequestFields {
    /// The caller's context. More than one `traceparent` is as good as none, as the specification has it.
    func context(_ propagators: Propagators) -> SpanContext? {
        guard propagators.contains(.traceContext), count(of: "traceparent") == 1,
            let context = first("traceparent").flatMap(TraceParent.parse)
        else { return nil }
        let states = all("tracestate")
        return states.isEmpty ? context : context.with(traceState: TraceState(combining: states))
    }

    /// What is valid of the caller's `baggage`.
    func baggage(_ propagators: Propagators) -> Baggage? {
        guard propagators.contains(.baggage) else { return nil }
        let baggage = all("baggage")
        return baggage.isEmpty ? nil : Baggage(combining: baggage)
    }
}

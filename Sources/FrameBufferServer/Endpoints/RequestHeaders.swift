internal import FrameTracking
internal import HTTPServer
internal import NIOHTTP1

/// What a request's span says of its header fields, gathered in one pass over them.
struct RequestHeaders {
    /// The first field of that name.
    private(set) var host: String?
    /// The first field of that name.
    private(set) var userAgent: String?
    /// The caller's context. More than one `traceparent` is as good as none, as the specification has it.
    private(set) var context: SpanContext?
    /// What is valid of the caller's `baggage`.
    private(set) var baggage: Baggage?

    /// Reads contexts as far as `propagators` do.
    init(_ headers: HTTPHeaders, propagators: Propagators) {
        var traceparent: String?
        var traceparents = 0
        var (hasTracestate, hasBaggage) = (false, false)
        for (name, value) in headers {
            switch name.utf8.count {
            case 4: if host == nil, name.isEqualIgnoringCase(to: "host") { host = value }
            case 7: if name.isEqualIgnoringCase(to: "baggage") { hasBaggage = true }
            case 10:
                if userAgent == nil, name.isEqualIgnoringCase(to: "user-agent") {
                    userAgent = value
                } else if name.isEqualIgnoringCase(to: "tracestate") {
                    hasTracestate = true
                }
            case 11:
                if name.isEqualIgnoringCase(to: "traceparent") {
                    traceparent = value
                    traceparents += 1
                }
            default: break
            }
        }
        if traceparents == 1, let traceparent, propagators.contains(.traceContext) {
            context = TraceParent.parse(traceparent)
            if hasTracestate { context = context?.with(traceState: TraceState(combining: headers["tracestate"])) }
        }
        if hasBaggage, propagators.contains(.baggage) { baggage = Baggage(combining: headers["baggage"]) }
    }
}

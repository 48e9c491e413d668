internal import FrameBuffer
internal import FrameTracking
internal import HTTPServer
internal import NIOHTTP1

/// The SERVER span of one request, by the OpenTelemetry conventions for HTTP.
struct RequestSpan {
    /// On whose behalf the request's work is done.
    let caller: Caller

    private var span: SpanRecord
    private let tracer: FrameTracer

    /// Starts the span, under the context that the request brings.
    init(_ request: HTTPRequest, route: String, tracer: FrameTracer) {
        self.tracer = tracer
        let headers = RequestHeaders(request.headers, propagators: tracer.propagators)
        span = tracer.startSpan(
            "\(request.method.rawValue) \(route)",
            kind: .server,
            parent: headers.context,
            at: request.receivedAt
        )
        caller = Caller(span: span.context, broughtContext: headers.context != nil, baggage: headers.baggage)
        guard span.isRecording else { return }
        span.setAttribute("http.request.method", .string(request.method.rawValue))
        span.setAttribute("http.route", .string(route))
        span.setAttribute("url.path", .string(request.path))
        span.setAttribute("url.scheme", "http")
        if !request.query.isEmpty { span.setAttribute("url.query", .string(request.query.text)) }
        if let host = headers.host { setServer(host) }
        if let address = request.remoteAddress { span.setAttribute("client.address", .string(address.host)) }
        if let agent = headers.userAgent { span.setAttribute("user_agent.original", .string(agent)) }
    }

    /// The trace's id in hexadecimal; nil where there is no trace.
    var traceID: String? { span.context?.traceID.hex }

    /// What the response's header says: the request's own context, unless it found nothing and nobody asked.
    func traceparent(ifFound found: Bool) -> String? {
        guard found || caller.broughtContext, tracer.propagators.contains(.traceContext) else { return nil }
        return span.context.map(TraceParent.format)
    }

    /// Ends it with the response's status. Of errors only the server's own make the span one.
    mutating func end(_ status: HTTPResponseStatus, error: String? = nil) {
        if span.isRecording {
            span.setAttribute("http.response.status_code", .int(Int(status.code)))
            if status.code >= 500 { span.setError(type: String(status.code), message: error) }
        }
        tracer.end(span)
    }

    private mutating func setServer(_ host: String) {
        guard let colon = host.lastIndex(of: ":"), let port = Int(host[host.index(after: colon)...]) else {
            return span.setAttribute("server.address", .string(host))
        }
        span.setAttribute("server.address", .string(String(host[..<colon])))
        span.setAttribute("server.port", .int(port))
    }
}

internal import FrameBuffer
internal import FrameTracking
internal import HTTPServer
internal import NIOCore
internal import NIOHTTP1

/// The SERVER span of one request, by the OpenTelemetry conventions for HTTP; none where its endpoint makes none.
///
/// It is an object, since a request's task would hold several copies of a struct of its size.
final class RequestSpan {
    /// On whose behalf the request's work is done.
    let caller: Caller

    private var span: SpanRecord?
    private let tracer: FrameTracer

    /// Starts the span, under the context that the request brings.
    init(_ request: HTTPRequest, _ endpoint: Endpoint, tracer: FrameTracer) {
        self.tracer = tracer
        guard endpoint.tracing != .never else {
            caller = Caller(span: nil, broughtContext: false)
            return
        }
        let remote = Self.context(of: request.headers)
        var span = tracer.startSpan(
            "\(request.method.rawValue) \(endpoint.route)",
            kind: .server,
            parent: remote,
            at: request.receivedAt
        )
        defer { self.span = span }
        caller = Caller(span: span.context, broughtContext: remote != nil)
        guard span.isRecording else { return }
        span.setAttribute("http.request.method", .string(request.method.rawValue))
        span.setAttribute("http.route", .string(endpoint.route))
        span.setAttribute("url.path", .string(request.path))
        span.setAttribute("url.scheme", "http")
        if !request.query.isEmpty { span.setAttribute("url.query", .string(request.query.text)) }
        if let host = request.headers.first(name: "host") { Self.setServer(host, of: &span) }
        if let address = request.remoteAddress { span.setAttribute("client.address", .string(address.host)) }
        if let agent = request.headers.first(name: "user-agent") {
            span.setAttribute("user_agent.original", .string(agent))
        }
    }

    /// The trace's id in hexadecimal; nil where there is no trace.
    var traceID: String? { span?.context?.traceID.hex }

    /// What the response's header says: the request's own context, unless it found nothing and nobody asked.
    func traceparent(ifFound found: Bool) -> String? {
        found || caller.broughtContext ? span?.context.map(TraceParent.format) : nil
    }

    /// Ends it with the response's status. Of errors only the server's own make the span one.
    func end(_ status: HTTPResponseStatus, error: String? = nil) {
        guard var span = span.take() else { return }
        if span.isRecording {
            span.setAttribute("http.response.status_code", .int(Int(status.code)))
            if status.code >= 500 { span.setError(type: String(status.code), message: error) }
        }
        tracer.end(span)
    }

    private static func setServer(_ host: String, of span: inout SpanRecord) {
        guard let colon = host.lastIndex(of: ":"), let port = Int(host[host.index(after: colon)...]) else {
            return span.setAttribute("server.address", .string(host))
        }
        span.setAttribute("server.address", .string(String(host[..<colon])))
        span.setAttribute("server.port", .int(port))
    }

    /// The caller's context. More than one `traceparent` is as good as none, as the specification has it.
    private static func context(of headers: HTTPHeaders) -> SpanContext? {
        guard let traceparent = headers.first(name: "traceparent"),
            let context = TraceParent.parse(traceparent), headers["traceparent"].count == 1
        else { return nil }
        return context.with(traceState: TraceState(combining: headers["tracestate"]))
    }
}

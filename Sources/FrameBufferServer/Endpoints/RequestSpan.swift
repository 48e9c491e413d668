internal import FrameBuffer
internal import FrameTracking
internal import HTTPServer
internal import NIOHTTP1

/// The SERVER span of one request, by the OpenTelemetry conventions for HTTP; none where its endpoint makes none.
///
/// It is an object, since a request's task would hold several copies of a struct of its size.
final class RequestSpan {
    /// On whose behalf the request's work is done.
    let caller: Caller

    /// nil once it has ended. Spelled out, as else it would be set to nil before it is set.
    private var span: Optional<SpanRecord>
    private let tracer: FrameTracer

    /// Starts the span, under the context that the request brings.
    init(_ request: borrowing HTTPRequest, _ endpoint: borrowing Endpoint, tracer: FrameTracer) {
        self.tracer = tracer
        guard endpoint.tracing != .never else {
            caller = .nobody
            span = nil
            return
        }
        let headers = request.headers
        let parent = headers.context(tracer.propagators)
        let span = tracer.startSpan(
            endpoint.spanName,
            kind: .server,
            parent: parent,
            attributes: endpoint.attributes,
            at: request.receivedAt
        )
        caller = Caller(
            span: span.context,
            broughtContext: parent != nil,
            baggage: headers.baggage(tracer.propagators)
        )
        if span.isRecording { Self.describe(request, of: endpoint, in: span) }
        self.span = span
    }

    private static func describe(_ request: HTTPRequest, of endpoint: Endpoint, in span: SpanRecord) {
        if request.path != endpoint.route { span.setAttribute("url.path", request.path) }
        if request.version == .http1_0 { span.setAttribute("network.protocol.version", "1.0") }
        if !request.query.isEmpty { span.setAttribute("url.query", SensitiveQuery.redacted(request.query.text)) }
        if let host = request.headers.first("host") { setServer(host, of: span) }
        if let address = request.remoteAddress {
            // The peer's, as anybody can write what a proxy would say of a client behind it.
            span.setAttribute("client.address", address.host)
            span.setAttribute("network.peer.address", address.host)
            span.setAttribute("network.peer.port", address.port)
        }
        if let agent = request.headers.first("user-agent") { span.setAttribute("user_agent.original", agent) }
    }

    /// The request's own context; nil where there is no trace.
    var context: SpanContext? { caller.span }

    /// What the response's header says: the request's own context, unless it found nothing and nobody asked.
    func traceparent(ifFound found: Bool) -> String? {
        guard found || caller.broughtContext, tracer.propagators.contains(.traceContext) else { return nil }
        return context.map(TraceParent.format)
    }

    /// Ends it with the response's status; a `batch` is how many frames the request was about, if it was about several.
    func end(_ status: HTTPResponseStatus, batch: Int? = nil) {
        guard let span = span.take() else { return }
        if span.isRecording {
            span.setAttribute("http.response.status_code", Int(status.code))
            if let batch { span.setAttribute("messaging.batch.message_count", batch) }
            if status.code >= 500 { span.setError(type: String(status.code)) }
        }
        tracer.end(span)
    }

    /// Ends it with an error. Of all errors only the server's own make the span one, and they are recorded here: the spans
    /// below, of which there may be one for each frame, say only that they failed and why.
    func end(_ problem: HTTPProblem, of error: any Error) {
        guard let span = span.take() else { return }
        if span.isRecording {
            span.setAttribute("http.response.status_code", Int(problem.status.code))
            if problem.status.code >= 500 {
                span.setError(type: String(problem.status.code), message: problem.title)
                span.recordException(error, message: problem.detail ?? problem.title)
            }
        }
        tracer.end(span)
    }

    /// `example.com:8080`, `[::1]:8080`, or either without a port.
    private static func setServer(_ host: String, of span: SpanRecord) {
        var host = host
        host.withUTF8 { host in
            var address = UnsafeRawBufferPointer(host)[...]
            if let colon = address.lastIndex(of: UInt8(ascii: ":")),
                let port = Int(String(decoding: address[(colon + 1)...], as: UTF8.self))
            {
                address = address[..<colon]
                span.setAttribute("server.port", port)
            }
            if address.first == UInt8(ascii: "["), address.last == UInt8(ascii: "]") {
                address = address.dropFirst().dropLast()
            }
            span.setAttribute("server.address", UnsafeRawBufferPointer(rebasing: address))
        }
    }
}

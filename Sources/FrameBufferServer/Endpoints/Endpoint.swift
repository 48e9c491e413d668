internal import FrameBuffer
internal import HTTPServer

/// What one method and path do.
struct Endpoint: Sendable {
    /// Whether requests of it make a span.
    enum Tracing: Sendable {
        /// Each of them.
        case always
        /// Those that had an effect, or whose caller traces them: a poll that found nothing leaves no trace.
        case ifFound
        /// None: looking on is no part of a frame's way.
        case never
    }

    /// A response, and whether there is something to be traced.
    struct Answer {
        var response: HTTPResponse
        /// The trace context for the response's header where it is not the request's own.
        var context: OutgoingContext?
        var found = true
        /// Of how many frames it tells, if it tells of a batch.
        var batch: Int?
    }

    typealias Handler = @Sendable (HTTPRequest, Caller) async throws -> Answer

    /// The path, as `http.route` has it.
    let route: String
    let tracing: Tracing
    let handle: Handler

    init(_ route: String, tracing: Tracing, handle: @escaping Handler) {
        self.route = route
        self.tracing = tracing
        self.handle = handle
    }
}

internal import FrameBuffer
internal import FrameTracking
internal import HTTPServer
internal import NIOHTTP1

/// What one method and path do. A class, as each request holds it: copies of a struct would count the references inside.
final class Endpoint: Sendable {
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

    let tracing: Tracing
    let handle: Handler
    /// What its requests' spans are called, and what all of them say.
    let spanName: String
    let attributes: AttributeSet
    /// The path, as `http.route` has it.
    let route: String
    /// How long its requests took.
    let durations: RequestDurations

    /// - Parameter route: the path, as `http.route` has it.
    init(_ method: HTTPMethod, _ route: String, tracing: Tracing, handle: @escaping Handler) {
        self.tracing = tracing
        self.handle = handle
        spanName = "\(method.rawValue) \(route)"
        self.route = route
        // Of the path and the version most say these, and what a request sets itself counts.
        attributes = [
            "http.request.method": .string(method.rawValue), "http.route": .string(route), "url.scheme": "http",
            "url.path": .string(route), "network.protocol.version": "1.1",
        ]
        durations = RequestDurations(method: method.rawValue, route: route)
    }
}

extension Router<Endpoint> {
    /// Adds an endpoint.
    mutating func add(
        _ method: HTTPMethod,
        _ path: String,
        tracing: Endpoint.Tracing,
        handle: @escaping Endpoint.Handler
    ) {
        add(method, path, Endpoint(method, path, tracing: tracing, handle: handle))
    }
}

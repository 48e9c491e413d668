import FrameTracking
import Tracing

/// What a web framework hands to a handler.
struct Request: Sendable {
    var method: String
    var path: String
    var headers: [String: String] = [:]
}

/// What a web framework takes from it.
struct Response: Sendable {
    var status: Int
    var headers: [String: String] = [:]
}

// shown
func handle(
    _ request: Request,
    process: (Request) async throws -> Response
) async throws -> Response {
    try await TraceContext.extract(
        fromHeader: request.headers["traceparent"],
        tracestate: request.headers["tracestate"],
        operation: "POST /process"
    ) { context in
        context.addEvent("http_request_received")
        var response = try await process(request)
        response.headers["traceparent"] = context.toHeader()
        return response
    }
}
// end

/// Asks another service for its view of a frame.
func askDetector(
    about frameID: String,
    send: (Request) async throws -> Response
) async throws -> Response {
    // shown
    try await TraceContext.inject(frameID, operation: "POST /process", ofKind: .client) { context in
        var request = Request(method: "POST", path: "/process")
        request.headers["traceparent"] = context.toHeader()
        let response = try await send(request)
        context.setAttribute("http.response.status_code", response.status)
        return response
    }
    // end
}

// shown
/// What a framework's tracing middleware does, for one that has none.
struct TracingMiddleware: Sendable {
    func handle(
        _ request: Request,
        next: (Request) async throws -> Response
    ) async throws -> Response {
        var context = ServiceContext.topLevel
        InstrumentationSystem.instrument.extract(request.headers, into: &context, using: Headers())
        let name = "\(request.method) \(request.path)"
        return try await withSpan(name, context: context, ofKind: .server) { span in
            span.attributes["http.request.method"] = request.method
            span.attributes["url.path"] = request.path
            var response = try await next(request)
            span.attributes["http.response.status_code"] = response.status
            if response.status >= 500 { span.setStatus(.init(code: .error)) }
            InstrumentationSystem.instrument.inject(span.context, into: &response.headers, using: Headers())
            return response
        }
    }

    private struct Headers: Extractor, Injector {
        func extract(key: String, from headers: [String: String]) -> String? {
            headers[key]
        }

        func inject(_ value: String, forKey key: String, into headers: inout [String: String]) {
            headers[key] = value
        }
    }
}
// end

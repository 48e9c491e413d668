internal import FrameBuffer
internal import FrameTracking
package import HTTPServer
internal import Logging
internal import NIOHTTP1

/// Answers the requests of one event loop: finds the endpoint, makes the request's span, turns errors into problem
/// documents. All that an endpoint does, it does on that loop.
package struct Endpoints: HTTPResponder {
    private let router: Router<Endpoint>
    private let tracer: FrameTracer
    private let logger: Logger
    /// Requests that no endpoint is for, by their methods; one that is no known method is `_OTHER`, as OpenTelemetry has it.
    private let strays: [String: RequestDurations]

    /// - Parameters:
    ///   - queues: the queues as this loop sees them; the first is the default.
    ///   - process: what they share with the other loops.
    package init(queues: Queues, process: ServiceState) {
        tracer = process.tracer
        logger = process.logger
        let methods: [HTTPMethod] = [.GET, .HEAD, .POST, .PUT, .DELETE, .CONNECT, .OPTIONS, .TRACE, .PATCH]
        strays = Dictionary(
            uniqueKeysWithValues: (methods.map(\.rawValue) + ["_OTHER"])
                .map { ($0, RequestDurations(method: $0, route: "")) }
        )
        var router = Router<Endpoint>()
        EnqueueEndpoint(queues: queues, limits: process.limits).register(in: &router)
        DequeueEndpoint(queues: queues).register(in: &router)
        SettleEndpoints(queues: queues).register(in: &router)
        DeadLetterEndpoints(queues: queues).register(in: &router)
        QueueEndpoints(queues: queues).register(in: &router)
        FramesEndpoints(queues: queues).register(in: &router)
        StreamEndpoint(queues: queues).register(in: &router)
        HealthEndpoints(queues: queues, process: process).register(in: &router)
        MetricsEndpoint(queues: queues, process: process).register(in: &router)
        self.router = router
        process.requests.add(router.endpoints.map(\.durations) + strays.values)
    }

    package func respond(to request: HTTPRequest) async -> HTTPResponse {
        // What is done before and after the one wait is elsewhere: it would only make the task's memory larger, which every
        // request pays for.
        switch start(request) {
        case .answer(let response): return response
        case .endpoint(let endpoint, let request, let span):
            do {
                return finish(try await endpoint.handle(request, span.caller), endpoint, request, span)
            } catch {
                return fail(error, endpoint, request, span)
            }
        }
    }

    private enum Start {
        /// There is nothing to do.
        case answer(HTTPResponse)
        case endpoint(Endpoint, HTTPRequest, RequestSpan)
    }

    @inline(never)
    private func start(_ request: HTTPRequest) -> Start {
        switch router.match(method: request.method, path: request.path) {
        case .found(let number, let parameters):
            let endpoint = router[number]
            return .endpoint(
                endpoint,
                parameters.isEmpty ? request : request.with(parameters),
                RequestSpan(request, endpoint, tracer: tracer)
            )
        case .notFound:
            return .answer(
                refuse(
                    request,
                    HTTPProblem(
                        .notFound,
                        detail: "there is nothing at this path; GET /health and POST /enqueue are a start"
                    )
                )
            )
        case .methodNotAllowed(let methods):
            return .answer(
                refuse(
                    request,
                    HTTPProblem(
                        .methodNotAllowed,
                        detail: "\(request.method.rawValue) does nothing here",
                        headers: ["Allow": methods.map(\.rawValue).joined(separator: ", ")]
                    )
                )
            )
        }
    }

    private func refuse(_ request: HTTPRequest, _ problem: HTTPProblem) -> HTTPResponse {
        let durations = strays[request.method.rawValue] ?? strays["_OTHER"]
        durations?.record(request, problem.status.code, in: nil)
        return problem.response()
    }

    @inline(never)
    private func finish(
        _ answer: consuming Endpoint.Answer,
        _ endpoint: Endpoint,
        _ request: HTTPRequest,
        _ span: RequestSpan
    ) -> HTTPResponse {
        if let traceparent = answer.context?.traceparent ?? span.traceparent(ifFound: answer.found) {
            answer.response.headers.add("traceparent", traceparent)
        }
        let isTraced = endpoint.tracing == .always || answer.found || span.caller.broughtContext
        if isTraced { span.end(answer.response.status, batch: answer.batch) }
        endpoint.durations.record(request, answer.response.status.code, in: isTraced ? span.context : nil)
        return answer.response
    }

    @inline(never)
    private func fail(
        _ error: any Error,
        _ endpoint: Endpoint,
        _ request: HTTPRequest,
        _ span: RequestSpan
    ) -> HTTPResponse {
        var problem = HTTPProblem(of: error)
        log(problem, of: request, in: span.context)
        span.end(problem, of: error)
        endpoint.durations.record(request, problem.status.code, in: span.context)
        if let traceID = span.context?.traceID.hex { problem.members.append(("trace_id", .string(traceID))) }
        var response = problem.response()
        if let traceparent = span.traceparent(ifFound: true) {
            response.headers.add("traceparent", traceparent)
        }
        return response
    }

    /// Logs a request that failed: for whoever looks for a fault, as its caller was told what is wrong, and many fail when
    /// Redis does; an error that nobody foresaw is for everybody.
    private func log(_ problem: HTTPProblem, of request: HTTPRequest, in context: SpanContext?) {
        logger.log(
            level: problem.status == .internalServerError ? .error : .debug,
            "a request failed",
            metadata: [
                "method": "\(request.method.rawValue)", "path": "\(request.path)", "status": "\(problem.status.code)",
                "reason": "\(problem.detail ?? problem.title)",
            ].merging(context?.logMetadata ?? [:]) { $1 }
        )
    }
}

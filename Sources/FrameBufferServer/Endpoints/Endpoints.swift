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

    /// - Parameters:
    ///   - queues: the queues as this loop sees them; the first is the default.
    ///   - process: what they share with the other loops.
    package init(queues: Queues, process: ServiceState) {
        tracer = process.tracer
        logger = process.logger
        var router = Router<Endpoint>()
        EnqueueEndpoint(queues: queues, limits: process.limits).register(in: &router)
        DequeueEndpoint(queues: queues).register(in: &router)
        SettleEndpoints(queues: queues).register(in: &router)
        DeadLetterEndpoints(queues: queues).register(in: &router)
        QueueEndpoints(queues: queues).register(in: &router)
        FramesEndpoints(queues: queues).register(in: &router)
        StreamEndpoint(queues: queues).register(in: &router)
        HealthEndpoints(queues: queues, process: process).register(in: &router)
        self.router = router
    }

    package func respond(to request: HTTPRequest) async -> HTTPResponse {
        switch router.match(method: request.method, path: request.path) {
        case .found(let endpoint, let parameters):
            if parameters.isEmpty {
                await respond(to: request, by: endpoint)
            } else {
                await respond(to: request.with(parameters), by: endpoint)
            }
        case .notFound:
            HTTPProblem(.notFound, detail: "there is nothing at this path; GET /health and POST /enqueue are a start")
                .response()
        case .methodNotAllowed(let methods):
            HTTPProblem(
                .methodNotAllowed,
                detail: "\(request.method.rawValue) does nothing here",
                headers: ["Allow": methods.map(\.rawValue).joined(separator: ", ")]
            ).response()
        }
    }

    private func respond(to request: HTTPRequest, by endpoint: Endpoint) async -> HTTPResponse {
        guard endpoint.tracing != .never else {
            do {
                return try await endpoint.handle(request, .nobody).response
            } catch {
                let problem = HTTPProblem(of: error)
                log(problem, of: request, in: nil)
                return problem.response()
            }
        }
        var span = RequestSpan(request, route: endpoint.route, tracer: tracer)
        var response: HTTPResponse
        do {
            let answer = try await endpoint.handle(request, span.caller)
            response = answer.response
            if let traceparent = answer.context?.traceparent ?? span.traceparent(ifFound: answer.found) {
                response.headers.add(name: "traceparent", value: traceparent)
            }
            if endpoint.tracing == .always || answer.found || span.caller.broughtContext {
                span.end(response.status, batch: answer.batch)
            }
        } catch {
            var problem = HTTPProblem(of: error)
            log(problem, of: request, in: span.context)
            span.end(problem, of: error)
            if let traceID = span.context?.traceID.hex { problem.members.append(("trace_id", .string(traceID))) }
            response = problem.response()
            if let traceparent = span.traceparent(ifFound: true) {
                response.headers.add(name: "traceparent", value: traceparent)
            }
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

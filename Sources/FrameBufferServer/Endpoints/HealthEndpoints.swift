internal import FrameBuffer
internal import FrameTracking
internal import HTTPServer
internal import NIOCore
internal import NIOHTTP1

/// Whether the service is well: for operators (`/health`), for who restarts it (`/health/live`), and for who sends it
/// traffic (`/health/ready`).
struct HealthEndpoints: Sendable {
    let queues: Queues
    let process: ServiceState

    func register(in router: inout Router<Endpoint>) {
        for method in [HTTPMethod.GET, .HEAD] {
            router.add(method, "/health", tracing: .never, handle: health)
            router.add(method, "/health/live", tracing: .never, handle: live)
            router.add(method, "/health/ready", tracing: .never, handle: ready)
        }
    }

    // MARK: Health

    private enum Status: String {
        case healthy, degraded, unhealthy

        func and(_ other: Status) -> Status {
            switch (self, other) {
            case (.unhealthy, _), (_, .unhealthy): .unhealthy
            case (.degraded, _), (_, .degraded): .degraded
            default: .healthy
            }
        }
    }

    @Sendable private func health(_ request: HTTPRequest, caller: Caller) async throws -> Endpoint.Answer {
        let queue = try queues.queue(of: request)
        // At the same time: together they wait no longer than one of them.
        async let probed = probe(queue)
        async let sized = outcome { () async throws(FrameBufferError) in try await queue.fill() }
        let ((probe, latency), size) = await (probed, sized)
        let tracing = process.tracer.statistics
        var statuses: (redis: Status, queue: Status, tracing: Status) = (.healthy, .healthy, .healthy)
        if case .failure = probe { statuses.redis = .unhealthy }
        switch size {
        case .success(let size): if size.isFull { statuses.queue = .degraded }
        case .failure: statuses.queue = .unhealthy
        }
        if tracing.isFailing { statuses.tracing = .degraded }
        let status = statuses.redis.and(statuses.queue).and(statuses.tracing)
        var json = JSONWriter()
        json.object {
            $0.member("status", status.rawValue)
            $0.member("version", ServiceState.version)
            $0.member("uptime_seconds", process.uptimeSeconds)
            $0.object("checks") {
                $0.object("redis") {
                    $0.member("status", statuses.redis.rawValue)
                    $0.member("latency_ms", latency)
                    if case .failure(let error) = probe { $0.member("reason", error.message) }
                }
                $0.object("queue") {
                    $0.member("status", statuses.queue.rawValue)
                    $0.member("size", try? size.get().size)
                    $0.member("capacity", queue.configuration.capacity)
                    if case .failure(let error) = size { $0.member("reason", error.message) }
                }
                $0.object("tracing") {
                    $0.member("status", statuses.tracing.rawValue)
                    $0.member("exporter", tracing.exporter)
                    $0.member("queued", tracing.queued)
                    $0.member("dropped", Int(clamping: tracing.dropped))
                    $0.object("dropped_by") {
                        for (reason, count) in tracing.droppedBy { $0.member(reason, count) }
                    }
                }
            }
        }
        return Endpoint.Answer(
            response: HTTPResponse(json: json, status: status == .unhealthy ? .serviceUnavailable : .ok)
        )
    }

    /// Whether Redis answers and takes writes, and in how many milliseconds it said so.
    private func probe(_ queue: FrameBuffer) async -> (Result<Void, FrameBufferError>, latency: Double) {
        let start = NIODeadline.now()
        let result = await outcome { () async throws(FrameBufferError) in try await queue.probe() }
        return (result, Double((NIODeadline.now() - start).nanoseconds / 1000) / 1000)
    }

    private func outcome<Value: Sendable>(
        _ body: @Sendable () async throws(FrameBufferError) -> Value
    ) async -> Result<Value, FrameBufferError> {
        do throws(FrameBufferError) { return .success(try await body()) } catch { return .failure(error) }
    }

    // MARK: Liveness and readiness

    @Sendable private func live(_ request: HTTPRequest, caller: Caller) async throws -> Endpoint.Answer {
        var json = JSONWriter()
        json.object { $0.member("status", "alive") }
        return Endpoint.Answer(response: HTTPResponse(json: json))
    }

    @Sendable private func ready(_ request: HTTPRequest, caller: Caller) async throws -> Endpoint.Answer {
        guard !request.isServerStopping else {
            throw HTTPProblem(.serviceUnavailable, detail: "the service is stopping", headers: ["Retry-After": "1"])
        }
        try await queues.queue(of: request).ping()
        var json = JSONWriter()
        json.object { $0.member("status", "ready") }
        return Endpoint.Answer(response: HTTPResponse(json: json))
    }
}

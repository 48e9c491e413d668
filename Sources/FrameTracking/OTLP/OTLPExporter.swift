import AsyncHTTPClient
import NIOCore
import NIOHTTP1

/// Exports spans over HTTP with protobuf (OTLP 1, "OTLP/HTTP").
///
/// What the specification calls retryable, 429, 502, 503, 504 and broken connections, is tried again; nothing else is.
/// An export takes no longer than the timeout, all attempts together.
package struct OTLPExporter: SpanExporter {
    private let client: HTTPClient
    private let encoder: OTLPEncoder
    private let endpoint: String
    private let headers: HTTPHeaders
    private let timeout: Duration
    private let initialBackoff: Duration
    private let clock: any Clock<Duration>
    private let now: @Sendable () -> UInt64

    /// More of a response is not looked at.
    private static let maximumResponse = 64 * 1024

    /// An exporter that sends to the endpoint of `settings` through `client`, which the caller shuts down.
    ///
    /// - Parameters:
    ///   - clock: what waiting between attempts is done with.
    ///   - now: nanoseconds since 1970, which a `Retry-After` date is compared with.
    init(
        settings: TracingSettings,
        client: HTTPClient,
        initialBackoff: Duration = .seconds(1),
        clock: any Clock<Duration> = ContinuousClock(),
        now: @escaping @Sendable () -> UInt64 = { WallClock.nanoseconds() }
    ) {
        self.client = client
        self.encoder = OTLPEncoder(settings: settings)
        self.endpoint = settings.endpoint
        self.timeout = min(settings.exportTimeout, settings.batching.exportTimeout)
        self.initialBackoff = initialBackoff
        self.clock = clock
        self.now = now
        var headers = HTTPHeaders(settings.headers.map { ($0.name, $0.value) })
        headers.replaceOrAdd(name: "content-type", value: "application/x-protobuf")
        headers.replaceOrAdd(name: "user-agent", value: "OTel-OTLP-Exporter-Swift-FrameBuffer/\(settings.version)")
        self.headers = headers
    }

    /// How a client for this exporter is set up.
    static func clientConfiguration() -> HTTPClient.Configuration {
        var configuration = HTTPClient.Configuration(redirectConfiguration: .disallow)
        // A connection that can't be made is our retry's business, which counts and reports it.
        configuration.connectionPool.retryConnectionEstablishment = false
        configuration.httpVersion = .http1Only
        // Spans about sending spans would never end.
        configuration.tracing.tracer = nil
        return configuration
    }

    // MARK: Exporting

    package func export(_ spans: [SpanRecord]) async -> ExportResult {
        let body = encoder.encode(spans)
        let elapsed = clock.stopwatch()
        var schedule = RetrySchedule(limit: timeout, initialBackoff: initialBackoff)
        while true {
            let failure: String
            var retryAfter: Duration?
            do {
                let response = try await send(body, within: timeout - elapsed())
                switch response.status {
                case 200..<300:
                    let partial = PartialSuccess(response: response.body.readableBytesView)
                    return .exported(rejected: partial.rejectedSpans, message: partial.message)
                case 429, 502, 503, 504:
                    failure = "the receiver answered \(response.status)"
                    retryAfter = response.retryAfter.flatMap { RetryAfter.parse($0, now: now()) }
                default:
                    return .failed("the receiver answered \(response.status)")
                }
            } catch is TimeoutError {
                return .failed("the receiver did not answer in time")
            } catch {
                guard !Task.isCancelled else { return .failed("stopped") }
                failure = "the receiver could not be reached: \(error)"
            }
            let jitter = Double.random(in: 0...1)
            guard let delay = schedule.delay(elapsed: elapsed(), retryAfter: retryAfter, jitter: jitter),
                (try? await clock.sleep(for: delay)) != nil
            else { return .failed(failure) }
        }
    }

    // MARK: One request

    private struct Response {
        let status: UInt
        let retryAfter: String?
        let body: ByteBuffer
    }

    private struct TimeoutError: Error {}

    /// Sends one request and reads the whole response.
    ///
    /// - Throws: `TimeoutError`, `CancellationError`, or why the connection broke.
    private func send(_ body: ByteBuffer, within limit: Duration) async throws -> Response {
        try await withThrowingTaskGroup { group in
            group.addTask { try await send(body) }
            group.addTask {
                try await Task.sleep(for: limit)
                throw TimeoutError()
            }
            defer { group.cancelAll() }
            guard let response = try await group.next() else { throw CancellationError() }
            return response
        }
    }

    private func send(_ body: ByteBuffer) async throws -> Response {
        var request = HTTPClientRequest(url: endpoint)
        request.method = .POST
        request.headers = headers
        request.body = .bytes(body)
        // The group above sets the limit: the client's own one would not cover the body.
        let response = try await client.execute(request, deadline: .distantFuture)
        // Only a success has a body that says anything. Unread, it would cost the connection; unreadable, it changes
        // nothing about the status.
        let responseBody = try? await response.body.collect(upTo: OTLPExporter.maximumResponse)
        return Response(
            status: response.status.code,
            retryAfter: response.headers.first(name: "retry-after"),
            body: responseBody ?? ByteBuffer()
        )
    }
}

import AsyncHTTPClient
import NIOCore
import NIOHTTP1
import Synchronization

/// Exports spans over HTTP, in protobuf or JSON (OTLP 1, "OTLP/HTTP").
///
/// What the specification calls retryable, 429, 502, 503, 504 and broken connections, is tried again; nothing else is.
/// An export takes no longer than the timeout, all attempts together.
package final class OTLPExporter: SpanExporter {
    private let client: HTTPClient
    private let encode: @Sendable (SpanBatch) -> ByteBuffer
    private let endpoint: String
    private let headers: HTTPHeaders
    private let compression: TracingSettings.Compression
    private let secrets: [String]
    private let timeout: Duration
    private let initialBackoff: Duration
    private let clock: any Clock<Duration>
    private let uptime: @Sendable () -> Duration
    private let now: @Sendable () -> UInt64
    /// Before that time on ``uptime`` the receiver wants nothing, whichever batch it was that it said so to.
    private let pauseEnd = Mutex(Duration.zero)

    /// The limits that OTLP recommends.
    private static let maximumRequest = 64 << 20
    private static let maximumResponse = 4 << 20
    /// How much of an error's body is read, and how long for: it is no more than a hint.
    private static let maximumErrorBody = 16 << 10
    private static let errorBodyTimeout = Duration.seconds(1)
    /// A longer pause is rather a clock that is wrong.
    private static let maximumPause = Duration.seconds(3600)

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
        self.endpoint = settings.endpoint
        self.timeout = min(settings.exportTimeout, settings.batching.exportTimeout)
        self.initialBackoff = initialBackoff
        self.clock = clock
        self.uptime = clock.stopwatch()
        self.now = now
        self.compression = settings.compression
        var headers = HTTPHeaders(settings.headers.map { ($0.name, $0.value) })
        let encoder = OTLPEncoder(settings: settings)
        switch settings.otlpProtocol {
        case .protobuf:
            encode = encoder.encode
            headers.replaceOrAdd(name: "content-type", value: "application/x-protobuf")
        case .json:
            encode = { OTLPJSON.encode(encoder.encode($0), as: .request) }
            headers.replaceOrAdd(name: "content-type", value: "application/json")
        }
        headers.remove(name: "content-encoding")
        headers.replaceOrAdd(name: "user-agent", value: "OTel-OTLP-Exporter-Swift-FrameBuffer/\(FrameTracer.version)")
        self.headers = headers
        // A value like `Bearer TOKEN` is no secret in its first word, which is short.
        self.secrets = settings.headers.flatMap { $0.value.split(separator: " ") }.filter { $0.utf8.count > 6 }
            .map(String.init)
    }

    // MARK: Exporting

    package func export(_ batch: SpanBatch) async -> ExportResult {
        let elapsed = clock.stopwatch()
        var schedule = RetrySchedule(limit: timeout, initialBackoff: initialBackoff)
        let pause = pauseEnd.withLock { $0 } - uptime()
        if pause > .zero {
            guard pause < timeout else { return .failed(.unreachable, "the receiver has asked for a pause") }
            guard (try? await clock.sleep(for: pause)) != nil else { return .failed(.stopped, "stopped") }
        }
        let body = encode(batch)
        guard body.readableBytes <= OTLPExporter.maximumRequest else {
            return .failed(.refused, "they are more than \(OTLPExporter.maximumRequest >> 20) MiB")
        }
        let request = request(body)
        while true {
            let failure: String
            var retryAfter: Duration?
            do {
                let answer = try await send(request, within: timeout - elapsed())
                switch answer.status {
                case 200..<300:
                    let (rejected, message) = answer.partialSuccess
                    return .exported(rejected: rejected, message: withoutSecrets(message))
                case 429, 502, 503, 504:
                    failure = withoutSecrets(answer.description)
                    retryAfter = answer.retryAfter.flatMap { RetryAfter.parse($0, now: now()) }
                default:
                    return .failed(.refused, withoutSecrets(answer.description))
                }
            } catch is TimeoutError {
                return .failed(.unreachable, "the receiver did not answer in time")
            } catch is NIOTooManyBytesError {
                return .failed(
                    .refused,
                    "the receiver's answer was more than \(OTLPExporter.maximumResponse >> 20) MiB"
                )
            } catch {
                guard !Task.isCancelled else { return .failed(.stopped, "stopped") }
                failure = "the receiver could not be reached: \(error)"
            }
            if let retryAfter { pauseEnd.withLock { $0 = uptime() + min(retryAfter, OTLPExporter.maximumPause) } }
            let jitter = Double.random(in: 0...1)
            guard let delay = schedule.delay(elapsed: elapsed(), retryAfter: retryAfter, jitter: jitter) else {
                return .failed(.unreachable, failure)
            }
            guard (try? await clock.sleep(for: delay)) != nil else { return .failed(.stopped, "stopped") }
        }
    }

    private func request(_ body: ByteBuffer) -> HTTPClientRequest {
        var request = HTTPClientRequest(url: endpoint)
        request.method = .POST
        request.headers = headers
        if compression == .gzip, let compressed = GZip.compress(body) {
            request.headers.add(name: "content-encoding", value: "gzip")
            request.body = .bytes(compressed)
        } else {
            request.body = .bytes(body)
        }
        return request
    }

    /// A receiver may repeat in its answer what it was sent in a header.
    private func withoutSecrets(_ message: String) -> String {
        secrets.reduce(message) { $0.split(separator: $1, omittingEmptySubsequences: false).joined(separator: "…") }
    }

    // MARK: One request

    private struct TimeoutError: Error {}

    /// Sends one request and reads the whole response.
    ///
    /// - Throws: `TimeoutError`, `NIOTooManyBytesError` for an endless success, `CancellationError`, or why the
    ///   connection broke.
    private func send(_ request: HTTPClientRequest, within limit: Duration) async throws -> OTLPAnswer {
        try await withThrowingTaskGroup { group in
            group.addTask { try await self.send(request) }
            group.addTask {
                try await Task.sleep(for: limit)
                throw TimeoutError()
            }
            defer { group.cancelAll() }
            guard let answer = try await group.next() else { throw CancellationError() }
            return answer
        }
    }

    private func send(_ request: HTTPClientRequest) async throws -> OTLPAnswer {
        // The group above sets the limit: the client's own one would not cover the body.
        let response = try await client.execute(request, deadline: .distantFuture)
        let isSuccess = (200..<300).contains(response.status.code)
        let mediaType = response.headers.first(name: "content-type") ?? ""
        return OTLPAnswer(
            status: response.status.code,
            retryAfter: response.headers.first(name: "retry-after"),
            mediaType: String(mediaType.prefix { $0 != ";" && $0 != " " }).lowercased(),
            body: isSuccess ? try await body(of: response) : await errorBody(of: response)
        )
    }

    /// A body that breaks off changes nothing about the status, which came before it: the spans were taken.
    private func body(of response: HTTPClientResponse) async throws -> ByteBuffer {
        do {
            return try await response.body.collect(upTo: OTLPExporter.maximumResponse)
        } catch let error as NIOTooManyBytesError {
            throw error
        } catch {
            return ByteBuffer()
        }
    }

    /// Unread, the body would cost the connection; endless or slow, it must not cost the retry.
    private func errorBody(of response: HTTPClientResponse) async -> ByteBuffer {
        await withTaskGroup { group in
            group.addTask { try? await response.body.collect(upTo: OTLPExporter.maximumErrorBody) }
            group.addTask {
                try? await Task.sleep(for: OTLPExporter.errorBodyTimeout)
                return nil
            }
            defer { group.cancelAll() }
            return await group.next().flatMap(\.self) ?? ByteBuffer()
        }
    }
}

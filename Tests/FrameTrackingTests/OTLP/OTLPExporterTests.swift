import AsyncHTTPClient
import NIOCore
import NIOHTTP1
import NIOSSL
import Testing

@testable import FrameTracking

@Suite("OTLP over HTTP")
struct OTLPExporterTests {
    private let clock = ImpatientClock()
    /// 25 November 2026, 00:00:00 GMT.
    private static let now: UInt64 = 1_795_564_800_000_000_000

    /// Runs `body` with an exporter to a receiver that answers with `replies`, then 200.
    private func exporting(
        to replies: [Collector.Reply],
        _ change: (inout TracingSettings) -> Void = { _ in },
        _ body: (OTLPExporter, Collector) async throws -> Void
    ) async throws {
        try await Collector.run(replies) { collector in
            var settings = TracingSettings()
            settings.endpoint = "http://127.0.0.1:\(collector.port)/v1/traces"
            settings.exportTimeout = .seconds(60)
            settings.batching.exportTimeout = .seconds(60)
            change(&settings)
            let client = HTTPClient(
                eventLoopGroupProvider: .singleton,
                configuration: OTLPExporter.clientConfiguration(settings, logger: Fixture.silentLogger)
            )
            let exporter = OTLPExporter(
                settings: settings,
                client: client,
                clock: clock,
                now: { Self.now }
            )
            do { try await body(exporter, collector) } catch {
                try await client.shutdown()
                throw error
            }
            try await client.shutdown()
        }
    }

    @Test("A batch is one POST of protobuf with the operator's headers")
    func request() async throws {
        try await exporting(to: []) {
            $0.headers = [.init(name: "authorization", value: "Basic dTpwPQ=="), .init(name: "x-a", value: "1=2")]
        } _: { exporter, collector in
            let result = await exporter.export(SpanBatch([Fixture.span("a"), Fixture.span("b")]))
            #expect(result == .exported(rejected: 0, message: ""))
            let request = try #require(collector.requests.first)
            #expect(collector.requests.count == 1)
            #expect(request.uri == "/v1/traces")
            #expect(request.headers["content-type"] == ["application/x-protobuf"])
            #expect(request.headers["authorization"] == ["Basic dTpwPQ=="])
            #expect(request.headers["x-a"] == ["1=2"])
            #expect(request.headers["user-agent"] == ["OTel-OTLP-Exporter-Swift-FrameBuffer/\(FrameTracer.version)"])
            #expect(request.headers["traceparent"].isEmpty, "sending spans makes no spans")
            let scopeSpans = try Protobuf(request.body).messages(1).first?.messages(2).first
            #expect(try scopeSpans?.messages(2).map { $0.text(5) } == ["a", "b"])
        }
    }

    @Test("What OTLP calls retryable is sent again, never before Retry-After, until it is taken")
    func retries() async throws {
        let replies: [Collector.Reply] = [
            .status(429, headers: ["Retry-After": "2"]), .status(429, headers: ["Retry-After": "2"]),
            .status(503, headers: ["Retry-After": "Wed, 25 Nov 2026 00:00:09 GMT"]), .status(502), .status(504), .close,
        ]
        try await exporting(to: replies) { exporter, collector in
            #expect(await exporter.export(SpanBatch([Fixture.span()])) == .exported(rejected: 0, message: ""))
            #expect(collector.requests.count == 7)
            #expect(Set(collector.requests.map(\.body)).count == 1)
            let sleeps = clock.sleeps
            #expect(sleeps.count == 6)
            #expect(zip(sleeps, [2.0, 2, 9, 4, 4, 4]).allSatisfy { $0 >= .seconds($1) })
            #expect(sleeps.allSatisfy { $0 <= .seconds(9) })
        }
    }

    @Test("Anything else is sent once and dropped", arguments: [300, 307, 400, 401, 403, 404, 408, 413, 500, 501, 505])
    func final(status: Int) async throws {
        try await exporting(to: [.status(status, headers: ["Location": "/elsewhere", "Retry-After": "0"])]) {
            exporter,
            collector in
            #expect(
                await exporter.export(SpanBatch([Fixture.span()]))
                    == .failed(.refused, "the receiver answered \(status)")
            )
            #expect(collector.requests.count == 1)
            #expect(clock.sleeps.isEmpty)
        }
    }

    @Test("Partial success is success, with a count and a reason, and is never sent again")
    func partialSuccess() async throws {
        let body: [UInt8] = [0x0A, 0x09, 0x08, 0x01, 0x12, 0x05] + Array("stale".utf8)
        try await exporting(to: [.status(200, body: body)]) { exporter, collector in
            #expect(await exporter.export(SpanBatch([Fixture.span()])) == .exported(rejected: 1, message: "stale"))
            #expect(collector.requests.count == 1)
        }
    }

    @Test("With gzip the body is compressed, which a header says, and nothing else is different")
    func gzip() async throws {
        try await exporting(to: []) {
            $0.compression = .gzip
            $0.headers = [
                .init(name: "Content-Encoding", value: "br"), .init(name: "content-type", value: "text/html"),
            ]
        } _: { exporter, collector in
            #expect(await exporter.export(SpanBatch([Fixture.span("a")])) == .exported(rejected: 0, message: ""))
            let request = try #require(collector.requests.first)
            #expect(request.headers["content-encoding"] == ["gzip"])
            #expect(request.headers["content-type"] == ["application/x-protobuf"])
            #expect(request.headers["content-length"] == ["\(request.body.count)"])
            #expect(request.body.starts(with: [0x1F, 0x8B]))
        }
    }

    @Test("As JSON it says so, and understands an answer in JSON")
    func json() async throws {
        let partial = Array(#"{"partialSuccess":{"rejectedSpans":"1","errorMessage":"stale"}}"#.utf8)
        let replies = [Collector.Reply.status(200, headers: ["content-type": "application/json"], body: partial)]
        try await exporting(to: replies) {
            $0.otlpProtocol = .json
        } _: { exporter, collector in
            #expect(await exporter.export(SpanBatch([Fixture.span("a")])) == .exported(rejected: 1, message: "stale"))
            let request = try #require(collector.requests.first)
            #expect(request.headers["content-type"] == ["application/json"])
            #expect(String(decoding: request.body, as: UTF8.self).hasPrefix(#"{"resourceSpans":[{"resource":{"#))
        }
    }

    @Test("An endpoint without a path is asked for its root")
    func root() async throws {
        try await exporting(to: []) {
            $0.endpoint = String($0.endpoint.dropLast("/v1/traces".count))
        } _: { exporter, collector in
            #expect(await exporter.export(SpanBatch([Fixture.span()])) == .exported(rejected: 0, message: ""))
            #expect(collector.requests.map(\.uri) == ["/"])
        }
    }

    @Test("A pause that the receiver asked for holds for the next batches, too")
    func pauseForAll() async throws {
        let replies: [Collector.Reply] = [.status(503, headers: ["Retry-After": "100"])]
        try await exporting(to: replies) { exporter, collector in
            #expect(
                await exporter.export(SpanBatch([Fixture.span()])) == .failed(.unreachable, "the receiver answered 503")
            )
            let asked = ExportResult.failed(.unreachable, "the receiver has asked for a pause")
            #expect(await exporter.export(SpanBatch([Fixture.span()])) == asked)
            #expect(collector.requests.count == 1 && clock.sleeps.isEmpty)
            clock.advance(by: .seconds(90))
            #expect(await exporter.export(SpanBatch([Fixture.span()])) == .exported(rejected: 0, message: ""))
            #expect(collector.requests.count == 2)
            #expect(clock.sleeps.count == 1 && clock.now.offset >= .seconds(100))
        }
    }

    @Test("A pause of a year is a clock that is wrong: after an hour the receiver is asked again")
    func longestPause() async throws {
        let replies: [Collector.Reply] = [.status(429, headers: ["Retry-After": "31536000"])]
        try await exporting(to: replies) { exporter, _ in
            #expect(
                await exporter.export(SpanBatch([Fixture.span()])) == .failed(.unreachable, "the receiver answered 429")
            )
            clock.advance(by: .seconds(3600))
            #expect(await exporter.export(SpanBatch([Fixture.span()])) == .exported(rejected: 0, message: ""))
        }
    }

    @Test(
        "What an error says about itself is told, without what the receiver may have learned from us",
        arguments: [
            ("application/x-protobuf", [0x12, 0x08] + Array("bad data".utf8), ": bad data"),
            ("application/json", Array(#"{"code":3,"message":"bad data"}"#.utf8), ": bad data"),
            ("text/plain; charset=utf-8", Array("no\nsuch token: t0ps3cret".utf8), ": no such token: …"),
            ("text/html", Array("<html>t0ps3cret</html>".utf8), ""), ("application/json", Array("[".utf8), ""),
        ]
    )
    func errors(type: String, body: [UInt8], told: String) async throws {
        try await exporting(to: [.status(401, headers: ["Content-Type": type], body: body)]) {
            $0.headers = [.init(name: "authorization", value: "Bearer t0ps3cret")]
        } _: { exporter, _ in
            #expect(
                await exporter.export(SpanBatch([Fixture.span()]))
                    == .failed(.refused, "the receiver answered 401\(told)")
            )
        }
    }

    @Test("A success that is a web page counts as one, but the operator is told")
    func webPage() async throws {
        let reply = Collector.Reply.status(200, headers: ["Content-Type": "text/html"], body: Array("<html>".utf8))
        try await exporting(to: [reply]) { exporter, collector in
            guard case .exported(0, let message) = await exporter.export(SpanBatch([Fixture.span()])) else {
                Issue.record("the status said that they were taken")
                return
            }
            #expect(message.contains("text/html") && message.contains("endpoint"))
            #expect(collector.requests.count == 1)
        }
    }

    @Test("An answer without end is refused once it is too long, and not asked for again")
    func endless() async throws {
        try await exporting(to: [.endless(200)]) { exporter, collector in
            let result = await exporter.export(SpanBatch([Fixture.span()]))
            #expect(result == .failed(.refused, "the receiver's answer was more than 4 MiB"))
            #expect(collector.requests.count == 1)
        }
    }

    @Test("The body of an error, endless or never coming, holds up nothing")
    func endlessErrors() async throws {
        let replies: [Collector.Reply] = [.endless(503), .stall(503, headers: ["Retry-After": "7"])]
        try await exporting(to: replies) { exporter, collector in
            #expect(await exporter.export(SpanBatch([Fixture.span()])) == .exported(rejected: 0, message: ""))
            #expect(collector.requests.count == 3)
            #expect(clock.sleeps.count == 2 && clock.sleeps[1] >= .seconds(7))
        }
    }

    @Test("A success that breaks off is one: its spans were taken, and are not sent again")
    func cut() async throws {
        try await exporting(to: [.cut(200)]) { exporter, collector in
            #expect(await exporter.export(SpanBatch([Fixture.span()])) == .exported(rejected: 0, message: ""))
            #expect(collector.requests.count == 1)
        }
    }

    @Test("A batch larger than 64 MiB is not sent")
    func tooLarge() async throws {
        try await exporting(to: []) { exporter, collector in
            let span = Fixture.span()
            span.setAttribute(.init("text", .string(String(repeating: "x", count: 65 << 20))))
            #expect(await exporter.export(SpanBatch([span])) == .failed(.refused, "they are more than 64 MiB"))
            #expect(collector.requests.isEmpty)
        }
    }

    @Test("Files that hold no certificates or keys are told of, and left out")
    func files() throws {
        var settings = TracingSettings()
        settings.certificateFile = "/nowhere/ca.pem"
        settings.clientKeyFile = "/nowhere/key.pem"
        settings.clientCertificateFile = #filePath
        let log = RecordingLog()
        let tls = try #require(OTLPExporter.clientConfiguration(settings, logger: log.logger).tlsConfiguration)
        #expect(log.lines.count == 2 && log.lines.allSatisfy { $0.contains("/nowhere/") })
        #expect(tls.certificateChain.isEmpty && tls.privateKey == nil)
    }

    @Test("Retrying ends within the timeout")
    func timeout() async throws {
        try await exporting(to: Array(repeating: .status(503), count: 100)) {
            $0.exportTimeout = .seconds(10)
        } _: { exporter, collector in
            #expect(
                await exporter.export(SpanBatch([Fixture.span()])) == .failed(.unreachable, "the receiver answered 503")
            )
            #expect(clock.now.offset < .seconds(10))
            #expect((3...6).contains(collector.requests.count))
        }
    }

    @Test("A Retry-After beyond the timeout is not waited for")
    func longRetryAfter() async throws {
        try await exporting(to: [.status(429, headers: ["Retry-After": "3600"])]) { exporter, collector in
            #expect(
                await exporter.export(SpanBatch([Fixture.span()])) == .failed(.unreachable, "the receiver answered 429")
            )
            #expect(collector.requests.count == 1 && clock.sleeps.isEmpty)
        }
    }

    @Test("A receiver that never answers is given up after the timeout, and not asked again")
    func hanging() async throws {
        try await exporting(to: [.hang]) {
            $0.batching.exportTimeout = .milliseconds(50)
        } _: { exporter, collector in
            #expect(
                await exporter.export(SpanBatch([Fixture.span()]))
                    == .failed(.unreachable, "the receiver did not answer in time")
            )
            #expect(collector.requests.count <= 1)
        }
    }

    @Test("A receiver that is away is tried again and then reported")
    func away() async throws {
        var port = 0
        try await exporting(to: []) { _, collector in port = collector.port }
        try await exporting(to: []) {
            $0.endpoint = "http://127.0.0.1:\(port)/v1/traces"
            $0.exportTimeout = .seconds(5)
        } _: { exporter, _ in
            guard case .failed(.unreachable, let reason) = await exporter.export(SpanBatch([Fixture.span()])) else {
                Issue.record("nobody was there to take it")
                return
            }
            #expect(reason.hasPrefix("the receiver could not be reached"))
            #expect((1...3).contains(clock.sleeps.count))
        }
    }

    @Test("Cancelling ends an export under way at once")
    func cancelling() async throws {
        try await exporting(to: [.hang]) { exporter, collector in
            let export = Task { await exporter.export(SpanBatch([Fixture.span()])) }
            await eventually("the request has arrived") { collector.requests.count == 1 }
            export.cancel()
            #expect(await export.value == .failed(.stopped, "stopped"))
        }
    }

    @Test("The tracer as a service exports what ended, through the stop")
    func service() async throws {
        try await Collector.run { collector in
            let tracer = Fixture.tracer { $0.endpoint = "http://127.0.0.1:\(collector.port)/v1/traces" }
            tracer.end(tracer.startSpan("span"))
            tracer.forceFlush()
            let running = Task { try await tracer.run() }
            await eventually("the span is exported") { tracer.statistics.exported == 1 }
            running.cancel()
            try await running.value
            #expect(collector.requests.count == 1)
        }
    }
}

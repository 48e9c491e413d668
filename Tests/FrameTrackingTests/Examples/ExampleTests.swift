import FrameTracking
import Logging
import ServiceLifecycle
import Synchronization
import Testing
import Tracing

@testable import FrameTrackingExamples

/// What the documentation shows, in programs of its own that are set up as it says.
@Suite("The documentation's examples")
struct ExampleTests {
    // MARK: Set-up

    @Test(
        "Set up in a few lines, a program's spans arrive by its end under its own name, and its log lines have their ids"
    )
    func setUp() async {
        await #expect(processExitsWith: .success) {
            let spans = try await spans {
                TraceContext.inject("f1") { context in
                    let metadata = Logger(label: "worker").metadataProvider?.get() ?? [:]
                    #expect(metadata["trace_id"] == context.traceID.map { "\($0)" })
                    #expect(metadata["span_id"] == context.spanID.map { "\($0)" })
                }
            }
            #expect(spans.map(\.name) == ["process frame"])
            #expect(spans.first?.attributes == ["frame.id": "f1"])
            #expect(spans.first?.serviceName == "object-detector")
        }
    }

    @Test("A program that fails sends its spans all the same, and the operator's name for it goes before its own")
    func failing() async {
        await #expect(processExitsWith: .success) {
            let spans = try await Collector.run { collector in
                let environment = [
                    "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:\(collector.port)", "OTEL_SERVICE_NAME": "blue",
                ]
                await #expect(throws: Failure.self) {
                    try await run(Failing(), environment: environment)
                }
                return try collector.spans
            }
            #expect(spans.map(\.isError) == [true])
            #expect(spans.first?.attributes["error.type"]?.hasSuffix("Failure") == true)
            #expect(spans.first?.events == ["exception"])
            #expect(spans.first?.serviceName == "blue")
        }
    }

    // MARK: Pattern 1

    @Test("A frame's step into the queue and the one out of it are spans of one trace")
    func queue() async {
        await #expect(processExitsWith: .success) {
            let stream = Messages()
            let spans = try await spans {
                try await FrameQueue(xadd: stream.add).enqueue(["camera_id": "cam01"])
                for message in stream.all {
                    try await FrameQueue(xadd: stream.add).handle(message) { metadata, context in
                        #expect(metadata?.frameID == context.frameID && metadata?.cameraID == "cam01")
                    }
                }
            }
            let message = try #require(stream.all.first)
            let frameID = try #require(message["frame_id"])
            #expect(FrameID(frameID)?.source == "rtsp-capture" && FrameID(frameID)?.cameraID == "cam01")
            #expect(spans.map(\.name) == ["enqueue frame", "process frame"])
            #expect(spans.map(\.kind) == [.producer, .consumer])
            #expect(spans.map(\.events) == [["frame_enqueued"], ["frame_dequeued"]])
            #expect(spans.allSatisfy { $0.attributes["frame.id"] == frameID })
            #expect(spans[0].attributes["queue.name"] == "frame_buffer")
            #expect(message["_traceparent"] == "00-\(spans[0].traceID)-\(spans[0].spanID)-03")
            #expect(spans[1].traceID == spans[0].traceID && spans[1].parentID == spans[0].spanID)
        }
    }

    // MARK: Pattern 2

    @Test("A processor's step is in the trace that came with the frame's metadata, and fails with it")
    func processor() async {
        await #expect(processExitsWith: .success) {
            let spans = try await spans {
                let detector = ObjectDetector()
                let message = ["frame_id": "f1", "_traceparent": Fixture.traceparent]
                let metadata = try #require(FrameMetadata(fields: message))
                let objects = try await detectObjects(on: [0xFF, 0xD8], metadata, detector)
                #expect(objects == ["cat"])
                await #expect(throws: EmptyFrame.self) {
                    try await detector.processWithTracking([], FrameMetadata(frameID: "f2"))
                }
                let frames = await detector.frames
                #expect(frames == 2)
            }
            #expect(spans.map(\.name) == ["object-detector", "object-detector"])
            #expect(spans.map { $0.attributes["frame.id"] } == ["f1", "f2"])
            #expect("00-\(spans[0].traceID)-\(spans[0].parentID)-01" == Fixture.traceparent)
            #expect(spans.map(\.isError) == [false, true])
            #expect(spans[1].parentID == "")
        }
    }

    // MARK: Pattern 3

    @Test("A request's handler goes on in its caller's trace, and its response says where it got to")
    func http() async {
        await #expect(processExitsWith: .success) {
            let spans = try await spans {
                let response = try await askDetector(about: "f1") { request in
                    try await handle(request) { _ in Response(status: 200) }
                }
                #expect(response.status == 200)
                #expect(response.headers["traceparent"] != nil)
            }
            let (server, client) = try (#require(spans.first), #require(spans.last))
            #expect(spans.map(\.name) == ["POST /process", "POST /process"])
            #expect(server.kind == .server && client.kind == .client)
            #expect(server.events == ["http_request_received"])
            #expect(server.traceID == client.traceID && server.parentID == client.spanID)
            #expect(client.attributes == ["frame.id": "f1", "http.response.status_code": "200"])
        }
    }

    @Test("A framework's tracing middleware works on this tracer: names, attributes, status, errors, and steps within")
    func middleware() async {
        await #expect(processExitsWith: .success) {
            let spans = try await spans {
                let middleware = TracingMiddleware()
                let headers = ["traceparent": Fixture.traceparent, "tracestate": "v=1", "baggage": "site=north"]
                let request = Request(method: "POST", path: "/process", headers: headers)
                let response = try await middleware.handle(request) { _ in
                    #expect(ServiceContext.current?.baggage?.rawValue == "site=north")
                    return TraceContext.inject("f1") { _ in Response(status: 200) }
                }
                #expect(response.headers["traceparent"]?.hasPrefix(Fixture.traceparent.prefix(36)) == true)
                #expect(response.headers["tracestate"] == "v=1")
                _ = try await middleware.handle(Request(method: "GET", path: "/health")) { _ in Response(status: 503) }
                await #expect(throws: Failure.self) {
                    try await middleware.handle(Request(method: "GET", path: "/frames")) { _ in throw Failure() }
                }
            }
            #expect(spans.map(\.name) == ["process frame", "POST /process", "GET /health", "GET /frames"])
            #expect(spans.map(\.kind) == [.internal, .server, .server, .server])
            #expect(spans.map(\.isError) == [false, false, true, true])
            #expect("00-\(spans[1].traceID)-\(spans[1].parentID)-01" == Fixture.traceparent)
            #expect(spans[0].parentID == spans[1].spanID && spans[0].traceID == spans[1].traceID)
            #expect(spans[2].parentID == "" && spans[2].traceID != spans[1].traceID)
            #expect(
                spans[1].attributes == [
                    "http.request.method": "POST", "url.path": "/process", "http.response.status_code": "200",
                ]
            )
            #expect(spans[3].attributes["error.type"]?.hasSuffix("Failure") == true)
        }
    }

    // MARK: Message metadata

    @Test("Metadata in a message carries the trace in trace_context")
    func metadata() async {
        await #expect(processExitsWith: .success) {
            let spans = try await spans {
                try await announce("f1", at: "http://camera/f1.jpg") { message in
                    #expect(message.metadata.contentType == "image/jpeg")
                    try await fetch(message) { _ in [1, 2, 3] }
                }
                var metadata: [String: any Sendable] = ["camera_id": "cam01"]
                describe("f2", in: &metadata)
                let context = try #require(metadata["trace_context"] as? [String: String])
                #expect(Set(context.keys) == ["trace_id", "span_id", "traceparent"])
                #expect(read(metadata) == context["trace_id"])
            }
            #expect(spans.map(\.name) == ["fetch frame", "announce frame", "process frame", "process frame"])
            #expect(spans[0].traceID == spans[1].traceID && spans[0].parentID == spans[1].spanID)
            #expect(spans[0].attributes == ["frame.id": "f1", "frame.size": "3"])
            #expect(spans[3].traceID == spans[2].traceID && spans[3].parentID == spans[2].spanID)
            #expect(spans[3].kind == .consumer && spans[3].events == ["metadata_read"])
        }
    }

    // MARK: Graceful degradation

    /// Has each example do its work, and says which `traceparent` the message in the queue has.
    private static func everything() async throws -> String? {
        let stream = Messages()
        try await FrameQueue(xadd: stream.add).enqueue(["frame_id": "f1"])
        let message = try #require(stream.all.first)
        try await FrameQueue(xadd: stream.add).handle(message) { metadata, _ in #expect(metadata?.frameID == "f1") }
        let objects = try await ObjectDetector().processWithTracking([1], FrameMetadata(frameID: "f1"))
        #expect(objects == ["cat"])
        for handler in [{ try await handle($0) { _ in Response(status: 200) } }, TracingMiddleware().answer] {
            let response = try await askDetector(about: "f1", send: handler)
            #expect(response.status == 200)
        }
        try await announce("f1", at: "") { try await fetch($0) { _ in [] } }
        var metadata: [String: any Sendable] = [:]
        describe("f1", in: &metadata)
        #expect(read(metadata) == (metadata["trace_context"] as? [String: String])?["trace_id"])
        return message["_traceparent"]
    }

    @Test("Without set-up everything works, and contexts are handed on")
    func withoutSetUp() async throws {
        let traceparent = try await Self.everything()
        #expect(traceparent.flatMap { TraceParent.parse($0) } != nil)
    }

    @Test("Without an exporter everything works, and contexts are handed on")
    func withoutExporter() async {
        await #expect(processExitsWith: .success) {
            let spans = try await spans(["OTEL_TRACES_EXPORTER": "none"]) {
                let traceparent = try await Self.everything()
                #expect(traceparent.flatMap { TraceParent.parse($0) } != nil)
            }
            #expect(spans.isEmpty)
        }
    }

    @Test("Where tracing is switched off everything works, and no context is made")
    func switchedOff() async {
        await #expect(processExitsWith: .success) {
            let spans = try await spans(["OTEL_SDK_DISABLED": "true"]) {
                let traceparent = try await Self.everything()
                #expect(traceparent == nil)
                let message = ["frame_id": "f1", "_traceparent": Fixture.traceparent]
                TraceContext.extract(fromCarrier: message) { #expect($0.toHeader() == Fixture.traceparent) }
            }
            #expect(spans.isEmpty)
        }
    }

    @Test("Where the collector is away everything works, and the program comes to its end")
    func collectorAway() async {
        await #expect(processExitsWith: .success) {
            let port = try await Collector.run { $0.port }
            let spans = try await spans(["OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:\(port)"]) {
                let traceparent = try await Self.everything()
                #expect(traceparent.flatMap { TraceParent.parse($0) } != nil)
            }
            #expect(spans.isEmpty)
        }
    }
}

private struct Failure: Error {}

private struct Failing: Service {
    func run() async throws {
        try TraceContext.inject("f1") { _ in throw Failure() }
    }
}

extension TracingMiddleware {
    fileprivate func answer(_ request: Request) async throws -> Response {
        try await handle(request) { _ in Response(status: 200) }
    }
}

/// A stream that keeps what is written to it.
final class Messages: Sendable {
    private let messages = Mutex<[[String: String]]>([])

    var all: [[String: String]] { messages.withLock { $0 } }

    @Sendable func add(_ fields: [String: String]) async {
        messages.withLock { $0.append(fields) }
    }
}

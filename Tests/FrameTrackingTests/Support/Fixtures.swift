import Logging
import Synchronization

@testable import FrameTracking

enum Fixture {
    static let traceID = TraceID(hex: "0af7651916cd43dd8448eb211c80319c")
    static let traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

    static var silentLogger: Logger { Logger(label: "test") { _ in SwiftLogNoOpLogHandler() } }

    /// A tracer whose spans wait in its queue, to be taken out by the test.
    static func tracer(_ change: (inout TracingSettings) -> Void = { _ in }) -> FrameTracer {
        var settings = TracingSettings()
        change(&settings)
        return FrameTracer(settings: settings, logger: silentLogger)
    }

    /// A span with something of everything.
    static func fullSpan() -> SpanRecord {
        let parent = SpanContext(traceparent: traceparent, tracestate: "a=1")
        let span = tracer().startSpan(
            #"enqueue "frames""#,
            kind: .producer,
            parent: parent,
            at: 1_753_608_701_224_000_001
        )
        if let parent { span.addLink(parent, attributes: [.init("reason", "header")]) }
        span.end = 1_753_608_701_225_000_002
        span.setAttribute(.init("text", "Żółw \n\\"))
        span.setAttribute(.init("int", -1))
        span.setAttribute(.init("double", 0.5))
        span.setAttribute(.init("bool", false))
        span.setAttribute(.init("nan", .double(.nan)))
        span.setAttribute(.init("list", ["a", ""]))
        span.addEvent("event", at: 1_753_608_701_224_500_000, attributes: [.init("n", 1)])
        span.setError(type: "timeout", message: "too late")
        return span
    }

    static func span(_ name: String = "span") -> SpanRecord {
        tracer().startSpan(name)
    }
}

/// Keeps what it is given, and answers what it is told to.
final class RecordingExporter: SpanExporter {
    private let state = Mutex((batches: [SpanBatch](), result: ExportResult.exported(rejected: 0, message: "")))
    private let gate: AsyncStream<Void>?

    /// - Parameter gate: each export waits for one element.
    init(gate: AsyncStream<Void>? = nil) {
        self.gate = gate
    }

    var batches: [SpanBatch] { state.withLock { $0.batches } }
    var count: Int { batches.map(\.count).reduce(0, +) }
    var spans: [ReceivedSpan] {
        get throws { try batches.flatMap { try $0.spans } }
    }

    func answer(_ result: ExportResult) {
        state.withLock { $0.result = result }
    }

    func export(_ batch: SpanBatch) async -> ExportResult {
        state.withLock { $0.batches.append(batch) }
        if let gate { for await _ in gate { break } }
        return state.withLock { Task.isCancelled ? .failed(.stopped, "stopped") : $0.result }
    }
}

/// Keeps log lines.
final class RecordingLog: Sendable {
    private let state = Mutex<[String]>([])

    var lines: [String] { state.withLock { $0 } }
    var logger: Logger { Logger(label: "test") { _ in Handler(log: self) } }

    private struct Handler: LogHandler {
        let log: RecordingLog
        var metadata: Logger.Metadata = [:]
        var logLevel = Logger.Level.trace

        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        func log(event: LogEvent) {
            let metadata = (event.metadata ?? [:]).map { "\($0)=\($1)" }.sorted().joined(separator: " ")
            log.state.withLock { $0.append("\(event.message) \(metadata)") }
        }
    }
}

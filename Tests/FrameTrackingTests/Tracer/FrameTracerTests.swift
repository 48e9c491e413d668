import Testing

@testable import FrameTracking

@Suite("FrameTracer")
struct FrameTracerTests {
    private let parent = SpanContext(traceparent: Fixture.traceparent, tracestate: "a=1")

    @Test("A root starts a random trace that is recorded")
    func root() throws {
        let tracer = Fixture.tracer()
        let first = tracer.startSpan("first", kind: .server)
        let second = tracer.startSpan("second")
        #expect(first.isRecording)
        let received = try first.received
        #expect(received.name == "first" && received.kind == .server)
        #expect(received.parentID.isEmpty && !received.isParentRemote)
        #expect(first.context?.flags == [.sampled, .random])
        #expect(first.context?.traceID != second.context?.traceID)
        #expect(first.context?.isRemote == false)
    }

    @Test("A child goes on in its parent's trace, with its tracestate")
    func child() throws {
        let span = Fixture.tracer().startSpan("child", parent: parent)
        #expect(span.context?.traceID == parent?.traceID)
        #expect(span.context?.spanID != parent?.spanID)
        #expect(span.context?.traceState?.rawValue == "a=1")
        #expect(span.context?.flags == .sampled)
        let received = try span.received
        #expect(received.parentID == parent?.spanID.hex && received.isParentRemote)
    }

    @Test("The random flag is the parent's", arguments: ["00", "01", "02", "03"])
    func randomFlag(flags: String) {
        let parent = TraceParent.parse(Fixture.traceparent.dropLast(2) + flags)
        let span = Fixture.tracer().startSpan("child", parent: parent)
        #expect(span.context?.flags == parent?.flags)
        #expect(span.isRecording == parent?.isSampled)
    }

    @Test("A span that the sampler leaves out has a context all the same, without the sampled flag")
    func unsampled() {
        let tracer = Fixture.tracer { $0.sampler = .parentBasedAlwaysOff }
        let span = tracer.startSpan("span")
        #expect(!span.isRecording)
        #expect(span.context?.flags == .random)
        tracer.end(span)
        #expect(tracer.statistics.queued == 0)
    }

    @Test("Without an exporter spans cost nothing and contexts are propagated as ever")
    func exporterNone() {
        let tracer = Fixture.tracer { $0.exporter = .none }
        let span = tracer.startSpan("span", parent: parent)
        #expect(!span.isRecording)
        #expect(span.context?.traceID == parent?.traceID && span.context?.isSampled == true)
        tracer.end(span)
        #expect(tracer.statistics == TracingStatistics(exporter: "none"))
    }

    @Test("A disabled tracer passes the caller's context on as it came, and makes none")
    func disabled() {
        let tracer = Fixture.tracer { $0.isDisabled = true }
        #expect(!tracer.isEnabled)
        #expect(tracer.startSpan("span", parent: parent).context == parent)
        #expect(tracer.startSpan("span").context == nil)
        #expect(!tracer.startSpan("span").isRecording)
        #expect(tracer.statistics.exporter == "disabled")
    }

    @Test("Ended spans wait for the exporter")
    func ending() {
        let tracer = Fixture.tracer()
        tracer.end(tracer.startSpan("span"))
        #expect(tracer.statistics.queued == 1)
        #expect(tracer.statistics.exporter == "otlp")
    }

    @Test("A span never ends before it starts, even if the clock was set back")
    func clockSetBack() async throws {
        let processor = BatchSpanProcessor(settings: .init(), logger: Fixture.silentLogger)
        let tracer = FrameTracer(
            settings: TracingSettings(),
            logger: Fixture.silentLogger,
            identifiers: .shared,
            processor: processor
        )
        tracer.end(tracer.startSpan("span", at: 2_000), at: 1_000)
        let exporter = RecordingExporter()
        let running = Task { await processor.run(exporter: exporter) }
        processor.exportSoon()
        await eventually("the span is exported") { exporter.count == 1 }
        running.cancel()
        await running.value
        let span = try #require(try exporter.spans.first)
        #expect(span.start == 2_000 && span.end == 2_000)
    }
}

import Instrumentation
import Testing
import Tracing

@testable import FrameTracking

@Suite("The backend of swift-distributed-tracing")
struct FrameSpanTests {
    private struct Failure: Error {}

    private struct Dictionary: Injector, Extractor {
        func inject(_ value: String, forKey key: String, into carrier: inout [String: String]) { carrier[key] = value }
        func extract(key: String, from carrier: [String: String]) -> String? { carrier[key] }
    }

    /// Runs `body` with a tracer, and returns what it exported.
    private func exported(_ body: (FrameTracer) async throws -> Void) async throws -> [ReceivedSpan] {
        let processor = BatchSpanProcessor(settings: .init(), logger: Fixture.silentLogger)
        let tracer = FrameTracer(
            settings: TracingSettings(),
            logger: Fixture.silentLogger,
            identifiers: .shared,
            processor: processor
        )
        try await body(tracer)
        let expected = tracer.statistics.queued
        let exporter = RecordingExporter()
        let running = Task { await processor.run(exporter: exporter) }
        tracer.forceFlush()
        await eventually("all spans are exported") { exporter.count == expected }
        running.cancel()
        await running.value
        return try exporter.spans
    }

    @Test("A span is filled, nested and exported")
    func nesting() async throws {
        let spans = try await exported { tracer in
            await tracer.withSpan("outer", ofKind: .server) { outer in
                outer.attributes["http.request.method"] = "POST"
                outer.attributes["list"] = ["a", "b"]
                outer.operationName = "renamed"
                await Task.yield()
                tracer.withSpan("inner") { inner in
                    inner.addEvent(SpanEvent(name: "event", attributes: ["n": 1]))
                    inner.addLink(SpanLink(context: outer.context, attributes: [:]))
                    inner.setStatus(SpanStatus(code: .ok))
                }
            }
        }
        let inner = try #require(spans.first)
        let outer = try #require(spans.last)
        #expect(spans.map(\.name) == ["inner", "renamed"])
        #expect(inner.parentID == outer.spanID && !inner.isParentRemote)
        #expect(inner.eventAttributes == [["n": "1"]])
        #expect(inner.links == [outer.spanID])
        #expect(inner.status == .ok)
        #expect(outer.kind == .server)
        #expect(outer.attributes == ["http.request.method": "POST", "list": "[a,b]"])
    }

    @Test("An error that leaves the span is recorded once, with its type")
    func errors() async throws {
        let spans = try await exported { tracer in
            #expect(throws: Failure.self) { try tracer.withSpan("failing") { _ in throw Failure() } }
        }
        let span = try #require(spans.first)
        #expect(span.isError && span.message == nil)
        #expect(span.events == ["exception"])
        #expect(span.eventAttributes.first.map { Set($0.keys) } == ["exception.message", "exception.type"])
        #expect(Array(span.attributes.keys) == ["error.type"])
    }

    @Test("An error that was recorded before it leaves the span is there once")
    func recordedError() async throws {
        let spans = try await exported { tracer in
            #expect(throws: Failure.self) {
                try tracer.withSpan("failing") { span in
                    span.recordError(Failure())
                    throw Failure()
                }
            }
        }
        #expect(spans.first?.events == ["exception"])
    }

    @Test("A span ends once, and what is said after that is lost")
    func endsOnce() async throws {
        let spans = try await exported { tracer in
            let span = tracer.startSpan("span", ofKind: .internal)
            span.end()
            span.end()
            span.addEvent("late")
            span.attributes["late"] = true
            #expect(!span.isRecording)
        }
        #expect(spans.count == 1)
        #expect(spans.first?.events.isEmpty == true && spans.first?.attributes.isEmpty == true)
    }

    @Test("Contexts go out under traceparent and tracestate, and come in again")
    func propagation() {
        let tracer = Fixture.tracer()
        var context = ServiceContext.topLevel
        context.spanContext = SpanContext(traceparent: Fixture.traceparent, tracestate: "a=1")
        var carrier: [String: String] = [:]
        tracer.inject(context, into: &carrier, using: Dictionary())
        #expect(carrier == ["traceparent": Fixture.traceparent, "tracestate": "a=1"])
        var extracted = ServiceContext.topLevel
        tracer.extract(carrier, into: &extracted, using: Dictionary())
        #expect(extracted.spanContext == context.spanContext)
        tracer.extract(["traceparent": "garbage"], into: &extracted, using: Dictionary())
        #expect(extracted.spanContext == context.spanContext)
    }

    @Test("Baggage goes out and comes in beside the context, or without one")
    func baggage() {
        let tracer = Fixture.tracer()
        var context = ServiceContext.topLevel
        context.baggage = Baggage("a=1,b=2")
        var carrier: [String: String] = [:]
        tracer.inject(context, into: &carrier, using: Dictionary())
        #expect(carrier == ["baggage": "a=1,b=2"])
        var extracted = ServiceContext.topLevel
        tracer.extract(carrier, into: &extracted, using: Dictionary())
        #expect(extracted.baggage == context.baggage)
        tracer.extract(["baggage": "garbage"], into: &extracted, using: Dictionary())
        #expect(extracted.baggage == context.baggage)
        #expect(tracer.startSpan("span", context: extracted).context.baggage == context.baggage)
    }

    @Test(
        "What is no propagator is neither read nor written",
        arguments: [
            (Propagators.traceContext, ["traceparent"]), (Propagators.baggage, ["baggage"]), (Propagators(), []),
        ]
    )
    func propagators(_ propagators: Propagators, names: [String]) {
        var settings = TracingSettings()
        settings.propagators = propagators
        let tracer = FrameTracer(
            settings: settings,
            logger: Fixture.silentLogger,
            identifiers: .shared,
            processor: nil
        )
        var context = ServiceContext.topLevel
        let carrier = ["traceparent": Fixture.traceparent, "baggage": "a=1"]
        tracer.extract(carrier, into: &context, using: Dictionary())
        #expect((context.spanContext != nil) == names.contains("traceparent"))
        #expect((context.baggage != nil) == names.contains("baggage"))
        context.spanContext = SpanContext(traceparent: Fixture.traceparent)
        context.baggage = Baggage("a=1")
        var written: [String: String] = [:]
        tracer.inject(context, into: &written, using: Dictionary())
        #expect(written.keys.sorted() == names)
    }

    @Test("A disabled tracer's spans carry the caller's context")
    func disabled() {
        let tracer = Fixture.tracer { $0.isDisabled = true }
        var context = ServiceContext.topLevel
        #expect(tracer.startSpan("span", context: context).context.spanContext == nil)
        context.spanContext = SpanContext(traceparent: Fixture.traceparent)
        #expect(tracer.startSpan("span", context: context).context.spanContext == context.spanContext)
    }
}

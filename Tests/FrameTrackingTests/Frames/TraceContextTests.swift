import FrameTracking
import Testing
import Tracing

@Suite("TraceContext")
struct TraceContextTests {
    private struct Failure: Error {}

    @Test("Without any set-up a context is made and handed on")
    func withoutSetUp() {
        var message = ["frame_id": "f1"]
        TraceContext.inject("f1") { context in
            context.addEvent("processing_started")
            context.setAttribute("camera.id", "cam01")
            context.setAttribute("frame.size", 70_000)
            context.inject(toCarrier: &message)
            #expect(context.frameID == "f1")
            #expect(context.toHeader() == message["_traceparent"])
            #expect(context.traceID.flatMap { TraceID(hex: $0) } != nil)
            #expect(context.spanID.flatMap { SpanID(hex: $0) } != nil)
        }
        let handedOn = SpanContext(carrier: message)
        TraceContext.extract(fromCarrier: message) { context in
            #expect(context.frameID == "f1")
            #expect(context.spanContext?.traceID == handedOn?.traceID)
            #expect(context.spanContext?.spanID != handedOn?.spanID)
        }
    }

    @Test("A step within another is its child, also across suspension")
    func nesting() async {
        await TraceContext.inject("f1") { outer in
            await Task.yield()
            #expect(ServiceContext.current?.spanContext == outer.spanContext)
            await TraceContext.inject("f1") { inner in
                await Task.yield()
                #expect(inner.traceID == outer.traceID && inner.spanID != outer.spanID)
            }
            #expect(throws: Failure.self) { try TraceContext.inject("f1") { _ in throw Failure() } }
        }
        #expect(ServiceContext.current?.spanContext == nil)
    }

    @Test("A header, a trace_context object and metadata are gone on from alike")
    func forms() async throws {
        let parent = try #require(SpanContext(traceparent: Fixture.traceparent, tracestate: "a=1"))
        let metadata = FrameMetadata(frameID: "f1", spanContext: parent)
        func check(_ context: TraceContext) {
            #expect(context.spanContext?.traceID == parent.traceID)
            #expect(context.spanContext?.traceState == parent.traceState)
            #expect(context.spanContext?.isSampled == true)
        }
        TraceContext.extract(fromHeader: Fixture.traceparent, tracestate: "a=1") { check($0) }
        TraceContext.extract(fromDictionary: parent.dictionary) { check($0) }
        TraceContext.extract(fromMetadata: metadata) { check($0) }
        TraceContext.extract(fromCarrier: metadata.fields) { check($0) }
        await TraceContext.extract(fromHeader: Fixture.traceparent, tracestate: "a=1") { context in
            await Task.yield()
            check(context)
        }
    }

    @Test(
        "A malformed context starts a new trace, and goes on in the current one if there is one",
        arguments: [
            nil, "", "garbage", "00-00000000000000000000000000000000-b7ad6b7169203331-01",
        ] as [String?]
    )
    func malformed(header: String?) {
        TraceContext.extract(fromHeader: header) { #expect($0.traceID != nil) }
        TraceContext.inject("f1") { outer in
            TraceContext.extract(fromHeader: header) { #expect($0.traceID == outer.traceID) }
        }
    }

    @Test("Metadata carries the step that handed it on")
    func metadata() {
        var metadata = FrameMetadata(frameID: "f1")
        TraceContext.inject("f1") { context in
            context.inject(toMetadata: &metadata)
            #expect(context.toDictionary()["traceparent"] == context.toHeader())
            #expect(context.toDictionary()["trace_id"] == context.traceID)
            #expect(context.toDictionary()["span_id"] == context.spanID)
        }
        #expect(metadata.spanContext != nil)
        TraceContext.extract(fromMetadata: metadata) { #expect($0.traceID == metadata.spanContext?.traceID.hex) }
    }

    @Test("A message's baggage is the step's, and goes on with the next message, unless it is not to be carried")
    func baggage() {
        let message = ["_traceparent": Fixture.traceparent, "_baggage": "site=north"]
        for tracer in [FrameTracer.current, Fixture.tracer { $0.propagators = .traceContext }] {
            TraceContext.extract(fromCarrier: message, tracer: tracer) { context in
                let isCarried = tracer.propagators.contains(.baggage)
                #expect(ServiceContext.current?.baggage?.rawValue == (isCarried ? "site=north" : nil))
                var next: [String: String] = [:]
                context.inject(toCarrier: &next)
                #expect(next["_baggage"] == (isCarried ? "site=north" : nil))
            }
        }
        TraceContext.extract(fromCarrier: ["_baggage": "="]) { _ in #expect(ServiceContext.current?.baggage == nil) }
    }

    @Test("Without the propagator tracecontext no context is taken or handed on", arguments: [[], Propagators.baggage])
    func withoutPropagator(propagators: Propagators) {
        let tracer = Fixture.tracer { $0.propagators = propagators }
        let message = ["frame_id": "f1", "_traceparent": Fixture.traceparent]
        TraceContext.extract(fromCarrier: message, tracer: tracer) { context in
            #expect(context.traceID != nil && context.traceID != Fixture.traceID?.hex)
            var next: [String: String] = [:]
            var metadata = FrameMetadata(frameID: "f1")
            context.inject(toCarrier: &next)
            context.inject(toMetadata: &metadata)
            #expect(next.isEmpty && metadata.spanContext == nil)
            #expect(context.toHeader() == nil && context.toDictionary().isEmpty)
        }
    }

    @Test("Where tracing is disabled the caller's context is handed on, and none is made")
    func disabled() {
        let tracer = Fixture.tracer { $0.isDisabled = true }
        TraceContext.inject("f1", tracer: tracer) { context in
            var message: [String: String] = [:]
            context.inject(toCarrier: &message)
            #expect(message.isEmpty && context.toHeader() == nil && context.traceID == nil)
            #expect(context.toDictionary().isEmpty)
        }
        TraceContext.extract(fromHeader: Fixture.traceparent, tracer: tracer) { context in
            #expect(context.toHeader() == Fixture.traceparent)
        }
    }
}

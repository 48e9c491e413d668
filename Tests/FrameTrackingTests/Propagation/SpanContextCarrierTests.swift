import FrameTracking
import Testing

@Suite("Contexts in messages")
struct SpanContextCarrierTests {
    private static let other = "00-11111111111111111111111111111111-2222222222222222-00"

    @Test("A carrier's _traceparent goes before its traceparent, each with its own tracestate")
    func precedence() {
        let context = SpanContext(carrier: [
            "_traceparent": Fixture.traceparent, "_tracestate": "a=1", "traceparent": Self.other, "tracestate": "b=2",
        ])
        #expect(context == SpanContext(traceparent: Fixture.traceparent, tracestate: "a=1"))
    }

    @Test("A malformed _traceparent counts as absent, with its _tracestate", arguments: ["", "garbage"])
    func malformed(header: String) {
        let context = SpanContext(carrier: ["_traceparent": header, "_tracestate": "a=1", "traceparent": Self.other])
        #expect(context == SpanContext(traceparent: Self.other))
        #expect(SpanContext(carrier: ["_traceparent": header]) == nil)
    }

    @Test("Injecting replaces a former context, its tracestate included")
    func inject() throws {
        var carrier = ["_traceparent": Self.other, "_tracestate": "old=1", "camera_id": "cam01"]
        try #require(SpanContext(traceparent: Fixture.traceparent)).inject(into: &carrier)
        #expect(carrier == ["_traceparent": Fixture.traceparent, "camera_id": "cam01"])
        try #require(SpanContext(traceparent: Fixture.traceparent, tracestate: "new=1")).inject(into: &carrier)
        #expect(carrier["_tracestate"] == "new=1")
    }

    @Test("A trace_context object without traceparent counts as sampled")
    func dictionaryOfIdentifiers() {
        let ids = ["trace_id": "0af7651916cd43dd8448eb211c80319c", "span_id": "b7ad6b7169203331"]
        #expect(SpanContext(dictionary: ids) == SpanContext(traceparent: Fixture.traceparent))
        let broken = ids.merging(["traceparent": "garbage"]) { $1 }
        #expect(SpanContext(dictionary: broken) == SpanContext(traceparent: Fixture.traceparent))
    }

    @Test("A trace_context object's traceparent goes before its ids")
    func dictionaryOfTraceparent() {
        let context = SpanContext(dictionary: [
            "trace_id": "0af7651916cd43dd8448eb211c80319c", "span_id": "b7ad6b7169203331", "traceparent": Self.other,
        ])
        #expect(context == SpanContext(traceparent: Self.other))
    }

    @Test(
        "A trace_context object without what it needs is none",
        arguments: [
            [:], ["trace_id": "0af7651916cd43dd8448eb211c80319c"], ["trace_id": "x", "span_id": "b7ad6b7169203331"],
        ]
    )
    func unusableDictionary(dictionary: [String: String]) {
        #expect(SpanContext(dictionary: dictionary) == nil)
    }

    @Test("A context comes back from its trace_context object")
    func roundTrip() {
        let context = SpanContext(traceparent: Self.other, tracestate: "a=1")
        #expect(context?.dictionary.count == 4)
        #expect(context.flatMap { SpanContext(dictionary: $0.dictionary) } == context)
    }
}

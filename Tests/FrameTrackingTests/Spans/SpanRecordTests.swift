import Testing

@testable import FrameTracking

@Suite("SpanRecord")
struct SpanRecordTests {
    @Test("Setting an attribute again replaces its value")
    func replace() {
        var span = Fixture.span()
        span.setAttribute("frame.id", "a")
        span.setAttribute("queue.name", "frames:queue")
        span.setAttribute("frame.id", 7)
        #expect(span.fields.attributes == [.init("frame.id", 7), .init("queue.name", "frames:queue")])
    }

    @Test("Beyond their limits attributes, events and links are dropped and counted")
    func limits() throws {
        let link = SpanRecord.Link(try #require(TraceParent.parse(Fixture.traceparent)))
        var span = Fixture.tracer().startSpan("span", links: [link])
        for index in 0..<130 {
            span.setAttribute("key\(index)", .int(index))
            span.addEvent("event", at: 1)
            span.addLink(link)
        }
        span.setAttribute("key0", "replaced")
        #expect(span.fields.attributes.count == 128 && span.fields.droppedAttributes == 2)
        #expect(span.fields.events.count == 128 && span.fields.droppedEvents == 2)
        #expect(span.fields.links.count == 128 && span.fields.droppedLinks == 3)
        #expect(span.fields.attributes.first?.value == "replaced")
    }

    @Test("Limits that the operator set hold for each kind of thing, and what is beyond is counted")
    func settings() throws {
        let tracer = Fixture.tracer {
            $0.spanLimits.attributeCountLimit = 2
            $0.spanLimits.eventCountLimit = 1
            $0.spanLimits.linkCountLimit = 0
            $0.spanLimits.attributePerEventCountLimit = 1
        }
        let link = SpanRecord.Link(try #require(TraceParent.parse(Fixture.traceparent)))
        var span = tracer.startSpan("span", links: [link])
        for key in ["a", "b", "c"] { span.setAttribute(key, 1) }
        span.addEvent("event", at: 1, attributes: [.init("a", 1), .init("b", 2), .init("c", 3)])
        span.addEvent("event", at: 2)
        #expect(span.fields.attributes.map(\.key) == ["a", "b"] && span.fields.droppedAttributes == 1)
        #expect(span.fields.events.map { $0.attributes.map(\.key) } == [["a"]] && span.fields.droppedEvents == 1)
        #expect(span.fields.events.first?.droppedAttributes == 2)
        #expect(span.fields.links.isEmpty && span.fields.droppedLinks == 1)
    }

    @Test(
        "Texts are cut to so many characters, alone and in lists, and nothing else is",
        arguments: [
            (0, "abc", ""), (2, "abc", "ab"), (3, "abc", "abc"),
            (2, "Żółw", "Żó"), (1, "🐢🐢", "🐢"), (4, "Żółw", "Żółw"),
            (1, .strings(["abc", "", "x"]), .strings(["a", "", "x"])),
            (1, 1234, 1234), (1, 12.5, 12.5), (1, true, true),
        ] as [(Int, AttributeValue, AttributeValue)]
    )
    func cutting(length: Int, value: AttributeValue, expected: AttributeValue) throws {
        let tracer = Fixture.tracer { $0.spanLimits.attributeValueLengthLimit = length }
        let context = try #require(TraceParent.parse(Fixture.traceparent))
        var span = tracer.startSpan("a long name", links: [.init(context, attributes: [.init("key", value)])])
        span.setAttribute("key", "former")
        span.setAttribute("key", value)
        span.addEvent("a long name", at: 1, attributes: [.init("key", value)])
        #expect(span.fields.attributes == [.init("key", expected)])
        #expect(span.fields.events.first?.attributes == [.init("key", expected)])
        #expect(span.fields.links.first?.attributes == [.init("key", expected)])
        #expect(span.name == "a long name" && span.fields.events.first?.name == "a long name")
        #expect(span.fields.droppedAttributes == 0)
    }

    @Test("ok is final, and unset changes nothing")
    func status() {
        var span = Fixture.span()
        span.setStatus(.error("late"))
        span.setStatus(.unset)
        #expect(span.status == .error("late"))
        span.setStatus(.ok)
        span.setStatus(.error("too late"))
        #expect(span.status == .ok)
    }

    @Test("An error has a type")
    func error() {
        var span = Fixture.span()
        span.setError(type: "redis_unavailable", message: "connection refused")
        #expect(span.status == .error("connection refused"))
        #expect(span.fields.attributes == [.init("error.type", "redis_unavailable")])
    }

    @Test("A span that is not recorded keeps nothing")
    func notRecorded() throws {
        var span = Fixture.tracer { $0.sampler = .alwaysOff }.startSpan("span")
        span.setAttribute("frame.id", "a")
        span.addEvent("event")
        span.addLink(SpanRecord.Link(try #require(TraceParent.parse(Fixture.traceparent))))
        span.setError(type: "error")
        #expect(!span.isRecording)
        #expect(
            span.fields.attributes.isEmpty && span.fields.events.isEmpty && span.fields.links.isEmpty
                && span.status == .unset
        )
    }
}

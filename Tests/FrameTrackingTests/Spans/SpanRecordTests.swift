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
        #expect(span.attributes == [.init("frame.id", 7), .init("queue.name", "frames:queue")])
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
        #expect(span.attributes.count == 128 && span.droppedAttributes == 2)
        #expect(span.events.count == 128 && span.droppedEvents == 2)
        #expect(span.links.count == 128 && span.droppedLinks == 3)
        #expect(span.attributes.first?.value == "replaced")
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
        #expect(span.attributes == [.init("error.type", "redis_unavailable")])
    }

    @Test("A span that is not recorded keeps nothing")
    func notRecorded() throws {
        var span = Fixture.tracer { $0.sampler = .alwaysOff }.startSpan("span")
        span.setAttribute("frame.id", "a")
        span.addEvent("event")
        span.addLink(SpanRecord.Link(try #require(TraceParent.parse(Fixture.traceparent))))
        span.setError(type: "error")
        #expect(!span.isRecording)
        #expect(span.attributes.isEmpty && span.events.isEmpty && span.links.isEmpty && span.status == .unset)
    }
}

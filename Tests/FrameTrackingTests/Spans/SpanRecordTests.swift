import NIOCore
import Testing

@testable import FrameTracking

@Suite("SpanRecord")
struct SpanRecordTests {
    @Test("Setting an attribute again replaces its value")
    func replace() throws {
        let span = Fixture.span()
        span.setAttribute("frame.id", "a")
        span.setAttribute("queue.name", "frames:queue")
        span.setAttribute("frame.id", 7)
        #expect(try span.received.attributes == ["frame.id": "7", "queue.name": "frames:queue"])
    }

    @Test("Beyond their limits attributes, events and links are dropped and counted")
    func limits() throws {
        let other = try #require(TraceParent.parse(Fixture.traceparent))
        let span = Fixture.span()
        for index in 0..<130 {
            span.setAttribute(.init("key\(index)", .int(index)))
            span.addEvent("event", at: 1)
            span.addLink(other)
        }
        span.setAttribute("key0", "replaced")
        span.setAttribute("one.more.text", "dropped")
        span.setAttribute("one.more.number", 1)
        let received = try span.received
        #expect(received.attributes.count == 128 && span.fields.droppedAttributes == 4)
        #expect(received.events.count == 128 && span.fields.droppedEvents == 2)
        #expect(received.links.count == 128 && span.fields.droppedLinks == 2)
        #expect(received.attributes["key0"] == "replaced")
    }

    @Test("Limits that the operator set hold for each kind of thing, and what is beyond is counted")
    func settings() throws {
        let tracer = Fixture.tracer {
            $0.spanLimits.attributeCountLimit = 2
            $0.spanLimits.eventCountLimit = 1
            $0.spanLimits.linkCountLimit = 0
            $0.spanLimits.attributePerEventCountLimit = 1
        }
        let span = tracer.startSpan("span")
        span.addLink(try #require(TraceParent.parse(Fixture.traceparent)))
        for key in ["a", "b", "c"] { span.setAttribute(.init(key, 1)) }
        span.addEvent("event", at: 1, attributes: [.init("a", 1), .init("b", 2), .init("c", 3)])
        span.addEvent("event", at: 2)
        let received = try span.received
        #expect(received.attributes == ["a": "1", "b": "1"] && span.fields.droppedAttributes == 1)
        #expect(received.eventAttributes == [["a": "1"]] && span.fields.droppedEvents == 1)
        #expect(received.droppedEventAttributes == [2])
        #expect(received.links.isEmpty && span.fields.droppedLinks == 1)
    }

    @Test(
        "Texts are cut to so many characters, alone and in lists, and nothing else is",
        arguments: [
            (0, "abc", ""), (2, "abc", "ab"), (3, "abc", "abc"),
            (2, "Żółw", "Żó"), (1, "🐢🐢", "🐢"), (4, "Żółw", "Żółw"),
            (1, .strings(["abc", "", "x"]), "[a,,x]"),
            (1, 1234, "1234"), (1, 12.5, "12.5"), (1, true, "true"),
        ] as [(Int, AttributeValue, String)]
    )
    func cutting(length: Int, value: AttributeValue, expected: String) throws {
        let tracer = Fixture.tracer { $0.spanLimits.attributeValueLengthLimit = length }
        let context = try #require(TraceParent.parse(Fixture.traceparent))
        let span = tracer.startSpan("a long name")
        span.addLink(context, attributes: [.init("key", value)])
        span.setAttribute(.init("key", "former"))
        span.setAttribute(.init("key", value))
        span.addEvent("a long name", at: 1, attributes: [.init("key", value)])
        let received = try span.received
        #expect(received.attributes == ["key": expected])
        #expect(received.eventAttributes == [["key": expected]])
        #expect(received.linkAttributes == [["key": expected]])
        #expect(received.name == "a long name" && received.events == ["a long name"])
        #expect(span.fields.droppedAttributes == 0)
    }

    @Test("A text is cut however it is told")
    func cuttingTexts() throws {
        let span = Fixture.tracer { $0.spanLimits.attributeValueLengthLimit = 2 }.startSpan("span")
        span.setAttribute("text", "Żółw")
        span.setAttribute("bytes", ("abc" as StaticString).bytes)
        span.setAttribute("short", "Żó")
        #expect(try span.received.attributes == ["text": "Żó", "bytes": "ab", "short": "Żó"])
    }

    @Test("What many spans say alike is there at once, counts like all else, and gives way to what is said later")
    func shared() throws {
        let set: AttributeSet = ["queue.name": "frames:queue", "messaging.system": "redis"]
        let span = Fixture.tracer().startSpan("span", attributes: set)
        #expect(try span.received.attributes == ["queue.name": "frames:queue", "messaging.system": "redis"])
        span.setAttribute("messaging.system", "other")
        #expect(try span.received.attributes == ["queue.name": "frames:queue", "messaging.system": "other"])
        let short = Fixture.tracer {
            $0.spanLimits.attributeCountLimit = 1
            $0.spanLimits.attributeValueLengthLimit = 3
        }.startSpan("span", attributes: set)
        #expect(try short.received.attributes == ["queue.name": "fra"] && short.fields.droppedAttributes == 1)
    }

    @Test("Renamed, a span has its last name, and all else that it was told before and after")
    func renamed() throws {
        let span = Fixture.span("former")
        span.setAttribute("frame.id", "a")
        span.rename("between")
        span.setAttribute("frame.id", 7)
        #expect(try span.received.name == "between")
        span.rename("")
        #expect(try span.received.name == "" && span.received.attributes == ["frame.id": "7"])
    }

    @Test("ok is final, and unset changes nothing")
    func status() {
        let span = Fixture.span()
        span.setStatus(.error("late"))
        span.setStatus(.unset)
        #expect(span.status == .error("late"))
        span.setStatus(.ok)
        span.setStatus(.error("too late"))
        #expect(span.status == .ok)
    }

    @Test("An error has a type")
    func error() throws {
        let span = Fixture.span()
        span.setError(type: "redis_unavailable", message: "connection refused")
        #expect(span.status == .error("connection refused"))
        #expect(try span.received.attributes == ["error.type": "redis_unavailable"])
    }

    @Test("A span that says little takes little memory, as it may be open for long")
    func memory() {
        let span = Fixture.span()
        span.addEvent("frame_buffer_enqueue")
        span.setAttribute("frame.id", "1753608701224_http_cam01_0001_ccade578")
        span.setAttribute("camera.id", "cam01")
        #expect(span.fields.bytes.capacity <= 512)
    }

    @Test("A span that is not recorded keeps nothing")
    func notRecorded() throws {
        let span = Fixture.tracer { $0.sampler = .alwaysOff }.startSpan("span")
        span.setAttribute("frame.id", "a")
        span.setAttribute("frame.size", 1)
        span.addEvent("event")
        span.addLink(try #require(TraceParent.parse(Fixture.traceparent)))
        span.setError(type: "error")
        #expect(!span.isRecording)
        #expect(span.fields.bytes.isEmpty && span.status == .unset)
    }
}

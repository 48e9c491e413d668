import NIOCore
import Testing

@testable import FrameTracking

@Suite("OTLP encoding")
struct OTLPEncoderTests {
    private func decode(_ spans: [SpanRecord]) throws -> (resource: Protobuf, scope: Protobuf, spans: [Protobuf]) {
        let bytes = Array(OTLPEncoder(settings: TracingSettings()).encode(SpanBatch(spans)).readableBytesView)
        let request = try Protobuf(bytes)
        let resourceSpans = try request.messages(1)
        #expect(request.fields.count == 1 && resourceSpans.count == 1)
        let scopeSpans = try #require(resourceSpans.first).messages(2)
        #expect(scopeSpans.count == 1)
        #expect(resourceSpans.first?.text(3) == "https://opentelemetry.io/schemas/1.44.0")
        #expect(scopeSpans.first?.text(3) == "https://opentelemetry.io/schemas/1.44.0")
        return (
            try #require(resourceSpans.first?.messages(1).first), try #require(scopeSpans.first?.messages(1).first),
            try #require(scopeSpans.first).messages(2)
        )
    }

    @Test("Every part of a span arrives")
    func everything() throws {
        let parent = try #require(SpanContext(traceparent: Fixture.traceparent, tracestate: "a=1"))
        let local = SpanContext(traceID: parent.traceID, spanID: parent.spanID, flags: .random)
        let tracer = Fixture.tracer()
        let span = tracer.startSpan(
            "enqueue frames:queue",
            kind: .producer,
            parent: parent,
            at: 1_753_608_701_224_000_001
        )
        span.addLink(parent, attributes: [.init("reason", "header")])
        span.addLink(local)
        span.end = 1_753_608_701_225_000_002
        span.setAttribute("text", "Żółw 🐢")
        span.setAttribute("empty", "")
        span.setAttribute("negative", -1)
        span.setAttribute("zero", 0)
        span.setAttribute("large", Int.max)
        span.setAttribute(.init("half", 0.5))
        span.setAttribute(.init("yes", true))
        span.setAttribute(.init("no", false))
        span.setAttribute(.init("list", ["a", "", "c"]))
        span.setAttribute(.init("none", .strings([])))
        span.addEvent("frame_buffer_enqueue", at: 1_753_608_701_224_500_000, attributes: [.init("n", 1)])
        span.setError(type: "timeout", message: "too late")

        let decoded = try #require(decode([span]).spans.first)
        #expect(decoded.bytes(1).map(hex) == parent.traceID.hex)
        #expect(decoded.bytes(2).map(hex) == span.context?.spanID.hex)
        #expect(decoded.text(3) == "a=1")
        #expect(decoded.bytes(4).map(hex) == parent.spanID.hex)
        #expect(decoded.text(5) == "enqueue frames:queue")
        #expect(decoded.number(6) == 4)
        #expect(decoded.values(7) == [.fixed64(1_753_608_701_224_000_001)])
        #expect(decoded.values(8) == [.fixed64(1_753_608_701_225_000_002)])
        #expect(
            try decoded.attributes(9) == [
                "text": "Żółw 🐢", "empty": "", "negative": "-1", "zero": "0", "large": "\(Int.max)", "half": "0.5",
                "yes": "true", "no": "false", "list": "[a,,c]", "none": "[]", "error.type": "timeout",
            ]
        )
        let event = try #require(decoded.messages(11).first)
        #expect(event.values(1) == [.fixed64(1_753_608_701_224_500_000)])
        #expect(event.text(2) == "frame_buffer_enqueue")
        #expect(try event.attributes(3) == ["n": "1"])
        let links = try decoded.messages(13)
        #expect(links.map { $0.number(6) } == [0x301, 0x102])
        #expect(links.first?.bytes(2).map(hex) == parent.spanID.hex)
        #expect(links.first?.text(3) == "a=1")
        #expect(try links.first?.attributes(4) == ["reason": "header"])
        let status = try #require(decoded.messages(15).first)
        #expect(status.text(2) == "too late" && status.number(3) == 2)
        #expect(decoded.values(16) == [.fixed32(0x301)])
        #expect([10, 12, 14].allSatisfy { decoded.number($0) == nil })
    }

    @Test("A root with nothing on it leaves out what it has not")
    func bare() throws {
        let span = Fixture.tracer().startSpan("root", at: 1)
        let decoded = try #require(decode([span]).spans.first)
        #expect(decoded.fields.map(\.number).sorted() == [1, 2, 5, 6, 7, 8, 16])
        #expect(decoded.values(16) == [.fixed32(0x103)])
    }

    @Test("Dropped parts are counted")
    func dropped() throws {
        let span = Fixture.span()
        for index in 0..<131 {
            span.setAttribute(.init("\(index)", "x"))
            if index < 130 { span.addEvent("event", at: 1) }
            if index < 129 { span.addLink(try #require(TraceParent.parse(Fixture.traceparent))) }
        }
        let decoded = try #require(decode([span]).spans.first)
        #expect([10, 12, 14].map { decoded.number($0) } == [3, 2, 1])
        #expect(decoded.values(9).count == 128)
    }

    @Test(
        "Lengths are right on both sides of where they take another byte",
        arguments: [
            0, 1, 60, 100, 116, 120, 124, 125, 126, 127, 128, 129, 16_200, 16_300, 16_370, 16_384, 70_000, 2_200_000,
        ]
    )
    func lengths(length: Int) throws {
        let text = String(repeating: "x", count: length)
        let span = Fixture.tracer().startSpan("s", at: 1)
        span.setAttribute(.init("k", .string(text)))
        span.addEvent("event", at: 1, attributes: [.init("k", .string(text))])
        let spans = try decode([span, Fixture.tracer().startSpan("next", at: 1)]).spans
        #expect(try spans.first?.attributes(9) == ["k": text])
        #expect(try spans.first?.messages(11).first?.attributes(3) == ["k": text])
        #expect(spans.last?.text(5) == "next")
    }

    @Test("The resource and the scope say who sends")
    func resource() throws {
        var settings = TracingSettings(environment: [
            "OTEL_RESOURCE_ATTRIBUTES": "deployment.environment.name=test,host.name=cam"
        ])
        settings.serviceName = "buffer"
        settings.serviceVersion = "1.2.3"
        let bytes = Array(OTLPEncoder(settings: settings).encode(SpanBatch([Fixture.span()])).readableBytesView)
        let resourceSpans = try #require(Protobuf(bytes).messages(1).first)
        let attributes = try #require(resourceSpans.messages(1).first).attributes(1)
        #expect(attributes["service.name"] == "buffer")
        #expect(attributes["service.version"] == "1.2.3")
        #expect(attributes["service.instance.id"]?.count == 36)
        #expect(attributes["telemetry.sdk.name"] == "framebuffer")
        #expect(attributes["telemetry.sdk.language"] == "swift")
        #expect(attributes["telemetry.sdk.version"] == FrameTracer.version)
        #expect(attributes["host.name"] == "cam")
        #expect(attributes["deployment.environment.name"] == "test")
        #expect(attributes["process.pid"].flatMap { Int($0) } != nil)
        let created = try #require(attributes["process.creation.time"])
        #expect(created.wholeMatch(of: /20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d\dZ/) != nil, "\(created)")
        #expect(attributes["process.command"] == CommandLine.arguments[0])
        #expect(attributes["process.executable.path"]?.hasPrefix("/") == true)
        let name = try #require(attributes["process.executable.name"])
        #expect(attributes["process.executable.path"]?.hasSuffix("/\(name)") == true)
        #expect(["amd64", "arm64"].contains(attributes["host.arch"]))
        #expect(attributes["os.type"] == "linux")
        let scope = try #require(resourceSpans.messages(2).first?.messages(1).first)
        #expect(scope.text(1) == "framebuffer" && scope.text(2) == FrameTracer.version)
    }

    @Test("A batch holds its spans in their order")
    func batch() throws {
        let names = (0..<600).map { "span \($0)" }
        #expect(try decode(names.map { Fixture.span($0) }).spans.map { $0.text(5) } == names)
    }

    private func hex(_ bytes: [UInt8]) -> String {
        bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }
}

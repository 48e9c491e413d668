import Foundation
import NIOCore
import Testing

@testable import FrameTracking

@Suite("OTLP in JSON")
struct OTLPJSONTests {
    private func decode(_ buffer: ByteBuffer) throws -> [String: Any] {
        let object = try JSONSerialization.jsonObject(with: Data(buffer.readableBytesView))
        return try #require(object as? [String: Any])
    }

    private func json(_ span: SpanRecord) -> ByteBuffer {
        var field = ProtobufReader(SpanBatch([span]).bytes)
        guard case (_, .bytes(let message))? = field.next() else { return ByteBuffer() }
        return OTLPJSON.encode(message, as: .span)
    }

    @Test("Every part of a span arrives, by OTLP's names and forms")
    func everything() throws {
        let buffer = json(Fixture.fullSpan())
        let text = String(buffer: buffer)
        let spanID = try #require(try decode(buffer)["spanId"] as? String)
        #expect(
            text.replacing(spanID, with: "SPAN")
                == [
                    #"{"traceId":"0af7651916cd43dd8448eb211c80319c","spanId":"SPAN","traceState":"a=1","flags":769,"#,
                    #""parentSpanId":"b7ad6b7169203331","name":"enqueue \"frames\"","kind":4,"#,
                    #""startTimeUnixNano":"1753608701224000001","endTimeUnixNano":"1753608701225000002","attributes":["#,
                    #"{"key":"text","value":{"stringValue":"Żółw \u000a\\"}},{"key":"int","value":{"intValue":"-1"}},"#,
                    #"{"key":"double","value":{"doubleValue":0.5}},{"key":"bool","value":{"boolValue":false}},"#,
                    #"{"key":"nan","value":{"doubleValue":"NaN"}},"#,
                    #"{"key":"list","value":{"arrayValue":{"values":[{"stringValue":"a"},{"stringValue":""}]}}},"#,
                    #"{"key":"error.type","value":{"stringValue":"timeout"}}],"#,
                    #""events":[{"timeUnixNano":"1753608701224500000","name":"event","attributes":["#,
                    #"{"key":"n","value":{"intValue":"1"}}]}],"#,
                    #""links":[{"traceId":"0af7651916cd43dd8448eb211c80319c","spanId":"b7ad6b7169203331","#,
                    #""traceState":"a=1","flags":769,"attributes":[{"key":"reason","value":{"stringValue":"header"}}]}],"#,
                    #""status":{"message":"too late","code":2}}"#,
                ].joined()
        )
    }

    @Test("A root with nothing on it leaves out what it has not")
    func bare() throws {
        let keys = try decode(json(Fixture.tracer().startSpan("root", at: 1))).keys
        #expect(Set(keys) == ["traceId", "spanId", "flags", "name", "kind", "startTimeUnixNano", "endTimeUnixNano"])
    }

    @Test("A request has the resource, the scope and the spans in their order, and counts what was dropped")
    func request() throws {
        let spans = (0..<3).map { Fixture.span("span \($0)") }
        for _ in 0..<130 { spans[1].addEvent("event", at: 1) }
        let protobuf = OTLPEncoder(settings: TracingSettings()).encode(SpanBatch(spans))
        let request = try decode(OTLPJSON.encode(protobuf, as: .request))
        let resourceSpans = try #require(request["resourceSpans"] as? [[String: Any]])
        #expect(request.count == 1 && resourceSpans.count == 1)
        #expect(Set(resourceSpans[0].keys) == ["resource", "scopeSpans", "schemaUrl"])
        let scopeSpans = try #require(resourceSpans[0]["scopeSpans"] as? [[String: Any]])
        #expect(scopeSpans.count == 1 && Set(scopeSpans[0].keys) == ["scope", "spans", "schemaUrl"])
        #expect(scopeSpans[0]["scope"] as? [String: String] == ["name": "framebuffer", "version": FrameTracer.version])
        let decoded = try #require(scopeSpans[0]["spans"] as? [[String: Any]])
        #expect(decoded.map { $0["name"] as? String } == ["span 0", "span 1", "span 2"])
        #expect(decoded.map { $0["droppedEventsCount"] as? Int } == [nil, 2, nil])
        #expect(decoded.map { ($0["events"] as? [Any])?.count } == [nil, 128, nil])
    }

    @Test("No text whatever breaks the JSON")
    func fuzz() throws {
        let seed = UInt64.random(in: 0 ... .max)
        var generator = SeededGenerator(seed: seed)
        for _ in 0..<500 {
            let scalars = (0..<20).compactMap { _ in Unicode.Scalar(UInt32.random(in: 0...300, using: &generator)) }
            let text = String(String.UnicodeScalarView(scalars))
            let span = Fixture.span(text)
            span.setAttribute(.init(text, .string(text)))
            let decoded = try decode(json(span))
            #expect((decoded["name"] as? String)?.unicodeScalars.elementsEqual(scalars) == true, "seed \(seed)")
        }
    }
}

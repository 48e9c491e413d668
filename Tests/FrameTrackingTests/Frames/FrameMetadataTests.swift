import Foundation
import FrameTracking
import Testing

@Suite("FrameMetadata")
struct FrameMetadataTests {
    private let metadata = FrameMetadata(
        frameID: "f1",
        cameraID: "cam01",
        timestamp: "2026-11-25T00:00:00Z",
        contentType: "image/jpeg",
        spanContext: SpanContext(traceparent: Fixture.traceparent, tracestate: "a=1")
    )

    @Test("Metadata comes back from a message's fields")
    func fields() {
        #expect(
            metadata.fields == [
                "frame_id": "f1", "camera_id": "cam01", "timestamp": "2026-11-25T00:00:00Z",
                "content_type": "image/jpeg",
                "_traceparent": Fixture.traceparent, "_tracestate": "a=1",
            ]
        )
        #expect(FrameMetadata(fields: metadata.fields) == metadata)
        #expect(FrameMetadata(fields: ["frame_id": "f1", "_traceparent": "garbage"]) == FrameMetadata(frameID: "f1"))
        #expect(FrameMetadata(fields: ["camera_id": "cam01"]) == nil)
    }

    @Test("Metadata comes back from JSON, the trace in trace_context")
    func json() throws {
        let data = try JSONEncoder().encode(metadata)
        #expect(try JSONDecoder().decode(FrameMetadata.self, from: data) == metadata)
        let object = try JSONDecoder().decode([String: Loose].self, from: data)
        #expect(object["trace_context"]?.object?["traceparent"] == Fixture.traceparent)
        #expect(object["trace_context"]?.object?["trace_id"] == "0af7651916cd43dd8448eb211c80319c")
    }

    @Test(
        "In JSON the trace is also found where a message's fields have it, which goes first, as in the service",
        arguments: [
            #""_traceparent":"\#(Fixture.traceparent)","_tracestate":"a=1""#,
            #""traceparent":"\#(Fixture.traceparent)","tracestate":"a=1""#,
        ]
    )
    func flatTrace(members: String) throws {
        let other = #""trace_context":{"traceparent":"00-00000000000000000000000000000001-0000000000000001-01"}"#
        for text in [members, "\(members),\(other)"] {
            let metadata = try JSONDecoder().decode(
                FrameMetadata.self,
                from: Data("{\"frame_id\":\"f1\",\(text)}".utf8)
            )
            #expect(metadata.spanContext == self.metadata.spanContext)
        }
    }

    @Test(
        "A broken trace_context in JSON is no reason to refuse the frame",
        arguments: [
            "null", "{}", "7", #""x""#, #"{"trace_id":1}"#, #"{"traceparent":"garbage"}"#,
        ]
    )
    func brokenTrace(json: String) throws {
        let data = Data(#"{"frame_id":"f1","trace_context":\#(json)}"#.utf8)
        #expect(try JSONDecoder().decode(FrameMetadata.self, from: data) == FrameMetadata(frameID: "f1"))
    }

    @Test("A number in JSON is as good as its text")
    func numbers() throws {
        let data = Data(#"{"frame_id":12345678901234567,"camera_id":7,"timestamp":1753608701.5}"#.utf8)
        let metadata = FrameMetadata(frameID: "12345678901234567", cameraID: "7", timestamp: "1753608701.5")
        #expect(try JSONDecoder().decode(FrameMetadata.self, from: data) == metadata)
    }

    private struct Loose: Decodable {
        let object: [String: String]?
        init(from decoder: any Decoder) throws { object = try? [String: String](from: decoder) }
    }
}

import FrameTracking
import Logging
import Testing
import Tracing

@Suite("The log's metadata of a span")
struct LogMetadataTests {
    @Test("is the current span's ids, and nothing where there is none")
    func currentSpan() {
        let provider = Logger.MetadataProvider.frameTracking
        #expect(provider.get() == [:])
        Fixture.tracer().withSpan("span") { span in
            let context = span.context.spanContext
            #expect(context != nil)
            #expect(provider.get() == context?.logMetadata)
            #expect(provider.get()["trace_id"] == context.map { "\($0.traceID.hex)" })
            #expect(provider.get()["span_id"] == context.map { "\($0.spanID.hex)" })
        }
    }
}

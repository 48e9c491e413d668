package import NIOCore

/// Encodes batches of spans as OTLP has them: `ExportTraceServiceRequest` of opentelemetry-proto 1, in binary protobuf.
///
/// Written by hand, as this runs on the machine that serves the frames: a span goes from its record to the wire
/// without objects in between, and most of it was written when the span was told it (``SpanFields``).
package struct OTLPEncoder: Sendable {
    /// The resource and the scope, encoded once.
    private let resource: ByteBuffer
    private let scope: ByteBuffer
    /// What says by which conventions both name things; they have it in a field of the same number.
    private let schema = encoded { $0.string(3, Resource.schemaURL) }

    /// An encoder for spans of this process.
    package init(settings: TracingSettings) {
        let resource = Resource(settings: settings)
        self.resource = OTLPEncoder.encoded { writer in
            writer.message(1, lengthBytes: 2) { writer in
                for attribute in resource.attributes { writer.attribute(1, attribute) }
            }
        }
        self.scope = OTLPEncoder.encoded { writer in
            writer.message(1) { writer in
                writer.string(1, Resource.instrumentation)
                writer.string(2, FrameTracer.version)
            }
        }
    }

    /// One request with all spans of a batch.
    package func encode(_ batch: SpanBatch) -> ByteBuffer {
        let scopeSpans = scope.readableBytes + batch.bytes.readableBytes + schema.readableBytes
        let resourceSpans =
            resource.readableBytes + ProtobufWriter.lengthOfField(scopeSpans) + schema.readableBytes
        var buffer = ByteBufferAllocator().buffer(capacity: ProtobufWriter.lengthOfField(resourceSpans))
        buffer.writeProtobufHeader(1, length: resourceSpans)
        buffer.writeImmutableBuffer(resource)
        buffer.writeProtobufHeader(2, length: scopeSpans)
        for part in [scope, batch.bytes, schema, schema] { buffer.writeImmutableBuffer(part) }
        return buffer
    }

    private static func encoded(_ body: (inout ProtobufWriter) -> Void) -> ByteBuffer {
        var buffer = ByteBuffer()
        buffer.writeProtobuf(body)
        return buffer
    }
}

package import NIOCore

/// Encodes batches of spans as OTLP has them: `ExportTraceServiceRequest` of opentelemetry-proto 1, in binary protobuf.
///
/// Written by hand, as this runs on the machine that serves the frames: a span goes from its record to the wire
/// without objects in between, and most of it was written when the span was told it (``SpanFields``).
package struct OTLPEncoder: Sendable {
    /// The resource and the scope, encoded once.
    private let resource: ByteBuffer
    private let scope: ByteBuffer

    /// Room left before the spans for the two lengths and tags above them.
    private static let envelope = 32

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

    /// One request with all of `spans`.
    ///
    /// The spans are written first. What stands before them has a length that depends on theirs, and is then put
    /// where it just ends at their beginning.
    package func encode(_ spans: [SpanRecord]) -> ByteBuffer {
        let spansStart = OTLPEncoder.envelope + resource.readableBytes + scope.readableBytes
        var buffer = ByteBufferAllocator().buffer(capacity: spansStart + spans.count * 1024)
        buffer.moveWriterIndex(to: spansStart)
        for span in spans { buffer.writeProtobuf { $0.span(2, span) } }
        let schema = OTLPEncoder.encoded { $0.string(3, Resource.schemaURL) }
        let scopeSpans = scope.readableBytes + buffer.writerIndex - spansStart + schema.readableBytes
        let scopeTag = OTLPEncoder.tag(2, length: scopeSpans)
        let resourceTag = OTLPEncoder.tag(
            1,
            length: resource.readableBytes + scopeTag.count + scopeSpans + schema.readableBytes
        )
        buffer.writeImmutableBuffer(schema)
        buffer.writeImmutableBuffer(schema)
        let start = spansStart - scope.readableBytes - scopeTag.count - resource.readableBytes - resourceTag.count
        var index = start
        index += buffer.setBytes(resourceTag, at: index)
        index += buffer.setBuffer(resource, at: index)
        index += buffer.setBytes(scopeTag, at: index)
        buffer.setBuffer(scope, at: index)
        buffer.moveReaderIndex(to: start)
        return buffer
    }

    // MARK: Buffers

    private static func encoded(_ body: (inout ProtobufWriter) -> Void) -> ByteBuffer {
        var buffer = ByteBuffer()
        buffer.writeProtobuf(body)
        return buffer
    }

    private static func tag(_ field: UInt8, length: Int) -> [UInt8] {
        var tag = [field << 3 | 2]
        var rest = length
        while rest >= 0x80 {
            tag.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        tag.append(UInt8(rest))
        return tag
    }
}

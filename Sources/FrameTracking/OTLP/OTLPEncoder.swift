package import NIOCore

/// Encodes batches of spans as OTLP has them: `ExportTraceServiceRequest` of opentelemetry-proto 1, in binary protobuf.
///
/// Written by hand, as this runs on the machine that serves the frames: a span goes from its record to the wire
/// without objects in between, and most of it was written when the span was told it (``SpanFields``).
package struct OTLPEncoder: Sendable {
    /// The resource and the scope, encoded once.
    private let resource: [UInt8]
    private let scope: [UInt8]
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
        let scopeSpans = scope.count + batch.bytes.count + schema.count
        let resourceSpans = resource.count + ProtobufWriter.lengthOfField(scopeSpans) + schema.count
        var buffer = ByteBufferAllocator().buffer(capacity: ProtobufWriter.lengthOfField(resourceSpans))
        buffer.writeProtobufHeader(1, length: resourceSpans)
        buffer.writeBytes(resource)
        buffer.writeProtobufHeader(2, length: scopeSpans)
        for part in [scope, batch.bytes, schema, schema] { buffer.writeBytes(part) }
        return buffer
    }

    private static func encoded(_ body: (inout ProtobufWriter) -> Void) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.appendProtobuf(body)
        return bytes
    }
}

extension ByteBuffer {
    /// Writes what stands before the `length` bytes of a field.
    fileprivate mutating func writeProtobufHeader(_ field: UInt8, length: Int) {
        writeInteger(field << 3 | 2)
        var rest = length
        while rest >= 0x80 {
            writeInteger(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        writeInteger(UInt8(rest))
    }
}

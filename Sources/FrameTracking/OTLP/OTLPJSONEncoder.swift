import NIOCore

/// Encodes batches of spans as OTLP has them in JSON: `ExportTraceServiceRequest` of opentelemetry-proto 1.
struct OTLPJSONEncoder: Sendable {
    /// The resource and the scope, encoded once.
    private let resource: ByteBuffer
    private let scope: ByteBuffer

    /// Room for a span of the usual size, so that the buffer seldom has to grow.
    private static let expectedSpanLength = 2048

    /// An encoder for spans of this process.
    init(settings: TracingSettings) {
        let resource = Resource(settings: settings)
        var json = JSONText(capacity: 1024)
        json.object { $0.attributes(resource.attributes) }
        self.resource = json.finish()
        var scope = JSONText(capacity: 128)
        scope.object { json in
            json.key("name")
            json.string(Resource.instrumentation)
            json.key("version")
            json.string(FrameTracer.version)
        }
        self.scope = scope.finish()
    }

    /// One request with all of `spans`.
    func encode(_ spans: [SpanRecord]) -> ByteBuffer {
        var json = JSONText(capacity: 2048 + spans.count * OTLPJSONEncoder.expectedSpanLength)
        json.object { json in
            json.key("resourceSpans")
            json.array { json in
                json.object { json in
                    json.key("resource")
                    json.fragment(resource)
                    json.key("scopeSpans")
                    json.array { json in
                        json.object { json in
                            json.key("scope")
                            json.fragment(scope)
                            json.key("spans")
                            json.array { json in
                                for span in spans { json.span(span) }
                            }
                            json.key("schemaUrl")
                            json.string(Resource.schemaURL)
                        }
                    }
                    json.key("schemaUrl")
                    json.string(Resource.schemaURL)
                }
            }
        }
        return json.finish()
    }
}

public import Logging
import ServiceContextModule

extension SpanContext {
    /// What ties a line of the log to this span: `trace_id` and `span_id` in hexadecimal, as OpenTelemetry has it for logs
    /// that are not OTLP.
    public var logMetadata: Logger.Metadata {
        ["trace_id": .string(traceID.hex), "span_id": .string(spanID.hex)]
    }
}

extension Logger.MetadataProvider {
    /// Adds ``SpanContext/logMetadata`` of the span that is current where a line is logged, for programs whose spans are
    /// those of swift-distributed-tracing.
    public static let frameTracking = Logger.MetadataProvider {
        ServiceContext.current?.spanContext?.logMetadata ?? [:]
    }
}

/// Decides which traces are recorded: the built-in samplers of the OpenTelemetry specification.
public enum Sampler: Hashable, Sendable {
    /// Every span.
    case alwaysOn
    /// No span.
    case alwaysOff
    /// This share of all traces, from 0 to 1, whatever the caller decided.
    case traceIDRatio(Double)
    /// As the caller decided; a new trace always.
    case parentBasedAlwaysOn
    /// As the caller decided; a new trace never.
    case parentBasedAlwaysOff
    /// As the caller decided; of new traces this share, from 0 to 1.
    case parentBasedTraceIDRatio(Double)

    /// Whether a span of `traceID` under `parent` is recorded.
    func samples(_ traceID: TraceID, parent: SpanContext?) -> Bool {
        switch self {
        case .alwaysOn: true
        case .alwaysOff: false
        case .traceIDRatio(let ratio): Sampler.isWithin(ratio, traceID)
        case .parentBasedAlwaysOn: parent?.isSampled ?? true
        case .parentBasedAlwaysOff: parent?.isSampled ?? false
        case .parentBasedTraceIDRatio(let ratio): parent?.isSampled ?? Sampler.isWithin(ratio, traceID)
        }
    }

    /// The low half of the id as a fraction of its range, as the Go and Python SDKs take it: processes of several
    /// languages choose the same traces. 53 bits fit a `Double` exactly.
    private static func isWithin(_ ratio: Double, _ traceID: TraceID) -> Bool {
        Double(traceID.low >> 11) * 0x1p-53 < ratio
    }
}

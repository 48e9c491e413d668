/// What is read from requests and frames, and written to them, so that traces go on; all of it unless told otherwise.
public struct Propagators: OptionSet, Hashable, Sendable {
    /// One bit each.
    public let rawValue: UInt8

    /// Those whose bits are set.
    public init(rawValue: UInt8) {
        self.rawValue = rawValue
    }

    /// `traceparent` and `tracestate` (W3C Trace Context).
    public static let traceContext = Propagators(rawValue: 1)
    /// `baggage` (W3C Baggage).
    public static let baggage = Propagators(rawValue: 2)

    /// All of them.
    public static let all: Propagators = [.traceContext, .baggage]

    /// The one that `OTEL_PROPAGATORS` calls so; nil for a name of none.
    init?(name: String) {
        switch name {
        case "tracecontext": self = .traceContext
        case "baggage": self = .baggage
        default: return nil
        }
    }
}

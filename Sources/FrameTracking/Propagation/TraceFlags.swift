/// The flags of a trace that travel in `traceparent` (W3C Trace Context Level 2, "trace-flags").
public struct TraceFlags: OptionSet, Hashable, Sendable {
    /// The flags as the byte that they are on the wire.
    public let rawValue: UInt8

    /// Flags of their byte.
    public init(rawValue: UInt8) {
        self.rawValue = rawValue
    }

    /// The caller records this trace.
    public static let sampled = TraceFlags(rawValue: 0x01)
    /// At least the last seven bytes of the trace id are random.
    public static let random = TraceFlags(rawValue: 0x02)

    /// The flags that Level 2 defines; all others are cleared when a context is taken over.
    static let known: TraceFlags = [.sampled, .random]
}

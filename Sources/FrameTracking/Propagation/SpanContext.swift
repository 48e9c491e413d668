/// What of a span crosses process boundaries: enough for others to continue its trace.
public struct SpanContext: Hashable, Sendable {
    /// The trace that the span belongs to.
    public let traceID: TraceID
    /// The span in that trace.
    public let spanID: SpanID
    /// Whether the trace is recorded, and how its id was made.
    public let flags: TraceFlags
    /// Vendors' data, passed on as it came.
    public let traceState: TraceState?
    /// Whether the context came from another process.
    public let isRemote: Bool

    /// A context of its parts.
    public init(
        traceID: TraceID,
        spanID: SpanID,
        flags: TraceFlags,
        traceState: TraceState? = nil,
        isRemote: Bool = false
    ) {
        self.traceID = traceID
        self.spanID = spanID
        self.flags = flags
        self.traceState = traceState
        self.isRemote = isRemote
    }

    /// Whether the span's process records the trace.
    public var isSampled: Bool { flags.contains(.sampled) }

    /// The same context with other vendors' data.
    public func with(traceState: TraceState?) -> SpanContext {
        SpanContext(traceID: traceID, spanID: spanID, flags: flags, traceState: traceState, isRemote: isRemote)
    }
}

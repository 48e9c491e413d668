/// The forms in which a context travels outside of HTTP headers.
extension SpanContext {
    /// The remote context of a `traceparent` and the `tracestate` beside it; nil without a valid `traceparent`.
    /// A `tracestate` that is malformed is dropped, and nothing else with it.
    public init?(traceparent: String, tracestate: String? = nil) {
        guard let context = TraceParent.parse(traceparent) else { return nil }
        self = context.with(traceState: tracestate.flatMap { TraceState($0) })
    }

    // MARK: Message fields

    /// The remote context in a message's fields: `_traceparent` with `_tracestate`, else `traceparent` with
    /// `tracestate`.
    public init?(carrier: [String: String]) {
        for prefix in ["_", ""] {
            if let traceparent = carrier[prefix + "traceparent"],
                let context = SpanContext(traceparent: traceparent, tracestate: carrier[prefix + "tracestate"])
            {
                self = context
                return
            }
        }
        return nil
    }

    /// Writes the context into a message's fields as `_traceparent` and `_tracestate`, in place of a former one.
    public func inject(into carrier: inout [String: String]) {
        carrier["_traceparent"] = TraceParent.format(self)
        carrier["_tracestate"] = traceState?.rawValue
    }

    // MARK: Message metadata

    /// The remote context of a `trace_context` object: of its `traceparent`, else of its `trace_id` and `span_id`,
    /// which then count as sampled.
    public init?(dictionary: [String: String]) {
        let traceState = dictionary["tracestate"].flatMap { TraceState($0) }
        if let context = dictionary["traceparent"].flatMap({ TraceParent.parse($0) }) {
            self = context.with(traceState: traceState)
        } else if let traceID = dictionary["trace_id"].flatMap({ TraceID(hex: $0) }),
            let spanID = dictionary["span_id"].flatMap({ SpanID(hex: $0) })
        {
            self.init(traceID: traceID, spanID: spanID, flags: .sampled, traceState: traceState, isRemote: true)
        } else {
            return nil
        }
    }

    /// The `trace_context` object: `trace_id`, `span_id`, `traceparent`, and `tracestate` if there is one.
    public var dictionary: [String: String] {
        var dictionary = ["trace_id": traceID.hex, "span_id": spanID.hex, "traceparent": TraceParent.format(self)]
        dictionary["tracestate"] = traceState?.rawValue
        return dictionary
    }
}

public import ServiceContextModule

extension ServiceContext {
    private enum SpanContextKey: ServiceContextKey {
        typealias Value = SpanContext
        static var nameOverride: String? { "frame-tracking-span-context" }
    }

    /// The span that work done in this context belongs to.
    public var spanContext: SpanContext? {
        get { self[SpanContextKey.self] }
        set { self[SpanContextKey.self] = newValue }
    }
}

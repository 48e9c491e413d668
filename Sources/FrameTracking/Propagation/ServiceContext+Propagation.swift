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

    private enum BaggageKey: ServiceContextKey {
        typealias Value = Baggage
        static var nameOverride: String? { "frame-tracking-baggage" }
    }

    /// What applications pass along with the work done in this context.
    public var baggage: Baggage? {
        get { self[BaggageKey.self] }
        set { self[BaggageKey.self] = newValue }
    }
}

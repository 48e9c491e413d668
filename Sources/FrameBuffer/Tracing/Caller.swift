package import FrameTracking

/// On whose behalf something is done: where its spans belong.
package struct Caller: Sendable {
    /// The context of the span that stands for the request; nil where there is none.
    package let span: SpanContext?
    /// Whether the caller brought a context of its own in the request's headers.
    package let broughtContext: Bool
    /// The W3C `baggage` of the request's headers; nil where there is none that can be passed on.
    package let baggage: Baggage?

    /// Nobody who traces it.
    package static let nobody = Caller(span: nil, broughtContext: false)

    /// - Parameters:
    ///   - span: the context of the request's own span.
    ///   - broughtContext: whether the request's headers held a valid context.
    ///   - baggage: what of the request's baggage is valid.
    package init(span: SpanContext?, broughtContext: Bool, baggage: Baggage? = nil) {
        self.span = span
        self.broughtContext = broughtContext
        self.baggage = baggage
    }
}

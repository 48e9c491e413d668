package import FrameTracking

/// On whose behalf something is done: where its spans belong.
package struct Caller: Sendable {
    /// The context of the span that stands for the request; nil where there is none.
    package let span: SpanContext?
    /// Whether the caller brought a context of its own in the request's headers.
    package let broughtContext: Bool

    /// - Parameters:
    ///   - span: the context of the request's own span.
    ///   - broughtContext: whether the request's headers held a valid context.
    package init(span: SpanContext?, broughtContext: Bool) {
        self.span = span
        self.broughtContext = broughtContext
    }
}

/// How old a frame is.
package struct FrameAge: Hashable, Sendable {
    /// Whole milliseconds; 0 for a frame whose time is yet to come.
    package let milliseconds: Int

    init(milliseconds: Int) {
        self.milliseconds = max(0, milliseconds)
    }
}

/// When a frame began to age.
struct FrameTime {
    /// When its producer says it was captured, in milliseconds since 1970; nil where it doesn't say.
    let captured: Int?
    /// When Redis took it: the first half of its message id.
    let enqueued: Int
}

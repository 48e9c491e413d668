internal import FrameTracking

/// How old a frame is, by the machine's clock.
package struct FrameAge: Hashable, Sendable {
    /// Whole milliseconds; 0 for a frame whose time is yet to come.
    package let milliseconds: Int

    /// - Parameters:
    ///   - start: when it began, in milliseconds since 1970.
    ///   - now: nanoseconds since 1970.
    init(since start: Int, now: UInt64 = WallClock.nanoseconds()) {
        milliseconds = max(0, Int(now / 1_000_000) - start)
    }
}

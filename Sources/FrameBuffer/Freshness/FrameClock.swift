internal import FrameTracking
internal import Synchronization

#if canImport(Musl)
    internal import Musl
#else
    internal import Glibc
#endif

/// The clock by which a process tells the ages of frames: all its queues and event loops share it.
package final class FrameClock: Sendable {
    /// A reading of Redis' clock that took longer says too little.
    private static let longestReading = 500

    private let clock = Mutex(AgeClock(wall: FrameClock.wall, at: FrameClock.time))

    /// A clock that starts now.
    package init() {}

    /// The age of a frame at this moment.
    func age(of frame: FrameTime) -> FrameAge {
        clock.withLock { $0.age(of: frame, wall: Self.wall, at: Self.time) }
    }

    /// What nobody sets, in milliseconds.
    static var time: Int {
        var time = timespec()
        // Frames age while the machine sleeps too.
        clock_gettime(CLOCK_BOOTTIME, &time)
        return time.tv_sec * 1000 + time.tv_nsec / 1_000_000
    }

    /// Redis' clock showed `reading` between `start`, by ``time``, and now. To be called about once a second, as a step of a
    /// clock is dated by it.
    func observe(redis reading: Int, since start: Int) {
        let end = Self.time
        clock.withLock { clock in
            clock.observe(wall: Self.wall, at: end)
            if end - start <= Self.longestReading { clock.observe(redis: reading, at: (start + end) / 2) }
        }
    }

    private static var wall: Int { Int(WallClock.nanoseconds() / 1_000_000) }
}

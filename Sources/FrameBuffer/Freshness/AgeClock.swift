/// Tells how old frames are, though clocks are set.
///
/// A capture time is compared with this machine's clock, a message id with Redis'. Both are kept as their distance from a clock
/// that nobody sets. Where that distance grows at once, a clock was set forward: the frames that were there before have not
/// aged by that, and would be thrown away if it were counted. Where a clock was set back, all frames are as old as before or
/// younger.
///
/// It does no I/O: readings are given to it. All times are milliseconds.
struct AgeClock {
    /// A clock that can be set, beside one that can't.
    private struct SettableClock {
        /// How far it is ahead of the other.
        private var distance: Int
        private var seenAt: Int
        /// How far it was set forward, and until when, by Redis' clock, frames came that were there before.
        private var steps: [(length: Int, until: Int)] = []

        /// A clock that shows `reading` when the other shows `time`.
        init(reading: Int, at time: Int) {
            distance = reading - time
            seenAt = time
        }

        /// True if it was set: what a clock is corrected by without anybody setting it is a two-thousandth at most.
        func wasSet(reading: Int, at time: Int) -> Bool {
            abs(reading - time - distance) > 500 + max(0, time - seenAt) / 1000
        }

        mutating func observe(reading: Int, at time: Int, enqueuedBefore: Int) {
            let length = reading - time - distance
            if wasSet(reading: reading, at: time), length > 0 {
                steps.append((length, enqueuedBefore))
                // A clock that is set again and again: who has seen that many steps has long been handed out.
                if steps.count > 16 { steps.removeFirst() }
            }
            distance = reading - time
            seenAt = time
        }

        /// What it shows, less what it was set forward since a frame came.
        func now(at time: Int, forFrameOf enqueued: Int) -> Int {
            steps.reduce(time + distance) { $1.until >= enqueued ? $0 - $1.length : $0 }
        }

        func reading(at time: Int) -> Int { time + distance }
    }

    private var own: SettableClock
    /// nil until it is seen: then it is taken to show what ours does.
    private var redis: SettableClock?

    /// - Parameters:
    ///   - wall: what this machine's clock shows.
    ///   - time: what the clock that nobody sets shows.
    init(wall: Int, at time: Int) {
        own = SettableClock(reading: wall, at: time)
    }

    /// This machine's clock was read.
    mutating func observe(wall: Int, at time: Int) {
        own.observe(reading: wall, at: time, enqueuedBefore: (redis ?? own).reading(at: time))
    }

    /// Redis said what its clock shows.
    mutating func observe(redis reading: Int, at time: Int) {
        guard let before = redis?.reading(at: time) else {
            redis = SettableClock(reading: reading, at: time)
            return
        }
        redis?.observe(reading: reading, at: time, enqueuedBefore: before)
    }

    /// The age of a frame, where this machine's clock shows `wall`.
    mutating func age(of frame: FrameTime, wall: Int, at time: Int) -> FrameAge {
        if own.wasSet(reading: wall, at: time) { observe(wall: wall, at: time) }
        guard let captured = frame.captured else {
            return FrameAge(milliseconds: (redis ?? own).now(at: time, forFrameOf: frame.enqueued) - frame.enqueued)
        }
        return FrameAge(milliseconds: own.now(at: time, forFrameOf: frame.enqueued) - captured)
    }
}

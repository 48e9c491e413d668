internal import NIOCore

/// How many frames fit into a number of bytes.
///
/// Redis says how much memory the stream takes, at most once a second, as it has to look at all of it. In between it is
/// estimated: each frame takes what they take on average, and of those that were sent since, the larger ones what they are
/// larger. What other processes send since is not known; what leaves is, as it is no longer counted.
struct ByteCapacity {
    /// A measurement older than this is made anew.
    private static let freshness = TimeAmount.seconds(1)
    /// No two follow each other sooner.
    private static let pause = TimeAmount.milliseconds(50)

    /// The most bytes.
    let most: Int
    /// What a frame takes; 0: not known.
    private var average = 0
    /// What frames that were sent since take more than that, and how much of it is in the measurement under way.
    private var excess = (all: 0, measured: 0)
    private var asked: NIODeadline?

    /// No more than `most` bytes.
    init(_ most: Int) {
        self.most = most
    }

    /// Whether nothing is known yet: Redis has to be asked before a frame is let in.
    var isUnknown: Bool { asked == nil }

    /// Whether it is time to measure again.
    func isDue(now: NIODeadline) -> Bool {
        guard let asked else { return true }
        return now - asked >= (excess.all > most / 16 ? Self.pause : Self.freshness)
    }

    /// Redis is asked.
    mutating func willMeasure(now: NIODeadline) {
        asked = now
        excess.measured = excess.all
    }

    /// Redis said how many bytes that many entries take.
    mutating func measured(_ bytes: Int, entries: Int) {
        excess = (excess.all - excess.measured, 0)
        if entries > 0 { average = max(1, bytes / entries) }
    }

    /// Frames of that many bytes together leave for Redis.
    mutating func sent(_ bytes: Int, count: Int = 1) {
        if average == 0 { average = max(1, bytes / count) }
        excess.all += max(0, bytes - count * average)
    }

    /// What an entry of `size` bytes takes in Redis, whose allocator has four sizes to a doubling. Smaller ones share a node.
    static func memory(_ size: Int) -> Int {
        guard size > 4096 else { return size }
        let step = 1 << (Int.bitWidth - size.leadingZeroBitCount - 3)
        return (size + step - 1) / step * step
    }

    /// The most frames that there may be together with `count` more, of `bytes` together; one that is all alone always fits.
    func frames(with count: Int = 0, of bytes: Int = 0) -> Int {
        let average = average > 0 ? average : max(1, bytes / max(1, count))
        return max(0, most - excess.all - bytes) / average + count
    }
}

internal import NIOCore

/// How many bytes the frames of a queue take, and how many more may come.
///
/// Redis says how much memory the stream takes, which is measured once a second. In between it is estimated: what is sent
/// comes to it, and answers tell what was refused or made room. What other processes send, and what settled frames leave, is
/// known with the next measurement; so one is made before anybody is refused or dropped.
struct ByteCapacity {
    /// A measurement older than this is made anew.
    private static let freshness = TimeAmount.seconds(1)
    /// So old it has to be where somebody waits for a new one: at most this, and less where Redis has less to look at.
    private static let longestPause = TimeAmount.milliseconds(50)
    /// A look takes Redis 30 ns an entry: up to 5,000 of them, some thousandths of its time.
    private static let pausePerEntry = TimeAmount.microseconds(10)

    /// The most bytes.
    let most: Int
    /// How many there are, about.
    private(set) var used = 0
    /// False until Redis was asked for the first time: before, no frame is let in.
    private(set) var isKnown = false
    /// What was sent since the measurement under way was asked for; nil: none is under way.
    private var since: Int?
    private var asked: NIODeadline?
    private var pause = TimeAmount.zero

    /// No more than `most` bytes.
    init(_ most: Int) {
        self.most = most
    }

    // MARK: Measuring

    /// Whether it is time to measure again. Never while a measurement is under way: what is asked now is answered behind it.
    func isDue(urgently: Bool = false, now: NIODeadline) -> Bool {
        guard since == nil else { return false }
        guard let asked else { return true }
        return now - asked >= (urgently ? pause : Self.freshness)
    }

    /// Redis is asked.
    mutating func willMeasure(now: NIODeadline) {
        asked = now
        since = 0
    }

    /// Redis said how many bytes there were, as it was asked, in how many entries.
    mutating func measured(_ bytes: Int, entries: Int) {
        used = bytes + (since ?? 0)
        since = nil
        isKnown = true
        pause = min(Self.longestPause, Self.pausePerEntry * min(entries, 1 << 20))
    }

    /// Redis did not say.
    mutating func failedToMeasure() {
        since = nil
        asked = nil
    }

    // MARK: Counting

    /// Frames leave for Redis, and others make `room` for them.
    mutating func sent(_ bytes: Int, making room: Int = 0) {
        used += bytes - room
        since? += bytes - room
    }

    /// An answer of Redis tells of a difference to what was sent.
    ///
    /// Answers come in the order of what was asked. What was sent before a measurement was asked for is answered before it,
    /// and was measured as it is; what was sent after it is answered after it.
    mutating func correct(_ change: Int) {
        used += change
    }

    /// Whether so many more fit.
    func hasRoom(for bytes: Int) -> Bool {
        excess(of: bytes) == 0
    }

    /// How many have to leave for so many more.
    func excess(of bytes: Int) -> Int {
        max(0, used + bytes - most)
    }

    /// What an entry of `size` bytes takes in Redis, whose allocator has four sizes to a doubling. Smaller ones share a node.
    static func memory(_ size: Int) -> Int {
        guard size > 4096 else { return size }
        let step = 1 << (Int.bitWidth - size.leadingZeroBitCount - 3)
        return (size + step - 1) / step * step
    }
}

internal import NIOCore

/// How many frames the queue held when it was last asked, and how many were sent since: enough to know, most of the time,
/// that one more fits.
struct QueueDepth {
    /// A value older than this says nothing: other processes write too.
    private static let freshness = TimeAmount.milliseconds(50)

    private(set) var size = 0
    private var at: NIODeadline?
    private(set) var underWay = 0

    /// Frames leave for Redis.
    mutating func sent(_ count: Int = 1) {
        underWay += count
    }

    /// Frames that left are in the size that is seen next, or never will be.
    mutating func arrived(_ count: Int = 1) {
        underWay -= count
    }

    /// Redis said how many there are.
    mutating func saw(_ size: Int, now: NIODeadline) {
        self.size = size
        at = now
    }

    /// True if one more surely fits, with a tenth of `capacity` left for what others write meanwhile.
    func hasRoom(in capacity: Int, now: NIODeadline) -> Bool {
        guard let at, now - at <= Self.freshness else { return false }
        return size + underWay + (capacity + 9) / 10 < capacity
    }

    /// True if nothing was there when last seen, and nothing is on its way.
    var isEmpty: Bool { at != nil && size + underWay <= 0 }

    /// True if the queue was full when last seen: then it is asked again before a payload is sent.
    func wasFull(_ capacity: Int) -> Bool {
        at != nil && size >= capacity
    }
}

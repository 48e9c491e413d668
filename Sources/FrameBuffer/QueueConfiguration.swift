/// What one queue is, and its bounds.
package struct QueueConfiguration: Sendable {
    /// What becomes of a frame that there is no room for.
    package enum Overflow: String, CaseIterable, Sendable {
        /// It is refused.
        case reject
        /// The oldest frame that waits makes room for it; it is refused where all are in hand.
        case dropOldest = "drop-oldest"
    }

    /// The stream's name.
    package var name: String
    /// The consumer group that hands each frame out once.
    package var group: String
    /// The most frames that may wait and be in hand.
    package var capacity: Int
    /// What becomes of a frame beyond that.
    package var overflow = Overflow.reject
    /// How long a key that came with a request is remembered.
    package var deduplicationWindow = Duration.seconds(120)
    /// How many deliveries of a frame may go unacknowledged; then it is dead. 0: any number.
    package var maxDeliveries: Int
    /// The most frames that one read asks for.
    var framesARead = 64
    /// About how many bytes one read may bring.
    var bytesARead = 8 << 20
    /// The same of a read in search of the newest frames, each of which may keep all of its read in memory.
    var bytesALatestRead = 1 << 20
    /// The most bytes of frames in one reply; a single larger frame is served all the same.
    var bytesAReply = 64 << 20
    /// How often in a row a frame may fail to reach a caller before it is dead.
    var failures = 100
    /// For how long a receipt that settled its frame is known, so that settling it again does no harm.
    var settledWindow = Duration.seconds(120)

    /// A queue of the given bounds.
    package init(name: String, group: String, capacity: Int, maxDeliveries: Int = 5) {
        self.name = name
        self.group = group
        self.capacity = capacity
        self.maxDeliveries = maxDeliveries
    }
}

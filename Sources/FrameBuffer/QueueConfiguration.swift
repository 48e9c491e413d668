/// What one queue is, and its bounds.
package struct QueueConfiguration: Sendable {
    /// What becomes of a frame that there is no room for.
    package enum Overflow: String, CaseIterable, Sendable {
        /// It is refused.
        case reject
        /// The oldest frame that waits makes room for it; it is refused where all are in hand.
        case dropOldest = "drop-oldest"
    }

    /// What becomes of a frame that is settled.
    package enum Retention: String, CaseIterable, Sendable {
        /// It is deleted when every group on the stream has acknowledged it.
        case workqueue
        /// It stays in the stream until it is trimmed, for readers of their own.
        case stream
    }

    /// Whose child a dequeue span is.
    package enum DequeueTrace: String, CaseIterable, Sendable {
        /// The frame's context, with a link to the worker's request: one trace a frame, from capture to worker.
        case parent
        /// The worker's request, with a link to the frame's context: one trace a worker's turn.
        case link
    }

    /// The stream's name.
    package var name: String
    /// The consumer group that hands each frame out once.
    package var group: String
    /// The most frames that may wait and be in hand.
    package var capacity: Int
    /// The most bytes of Redis' memory that its stream may take, by an estimate that is measured once a second; nil: any number.
    package var capacityBytes: Int?
    /// What becomes of a frame beyond that.
    package var overflow = Overflow.reject
    /// What becomes of a frame that is settled.
    package var retention = Retention.workqueue
    /// The most settled frames that stay, for other groups or for readers; nil: as many as ``capacity``.
    package var keepFrames: Int?
    /// How long a key that came with a request is remembered.
    package var deduplicationWindow = Duration.seconds(120)
    /// How many deliveries of a frame may go unacknowledged; then it is dead. 0: any number.
    package var maxDeliveries: Int
    /// Whose child a dequeue span is.
    package var dequeueTrace = DequeueTrace.parent
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
    /// What has lain with a connection for so long without being in hand or leased is nobody's.
    var longestIdle = Duration.seconds(15)
    /// For how long a receipt that settled its frame is known, so that settling it again does no harm.
    var settledWindow = Duration.seconds(120)

    /// What scripts about frames in hand have to know of it (`QueueScripts.terms`).
    var terms: String { "\(maxDeliveries) \(keepFrames ?? capacity) \(retention == .stream ? 1 : 0)" }

    /// A queue of the given bounds.
    package init(name: String, group: String, capacity: Int, maxDeliveries: Int = 5) {
        self.name = name
        self.group = group
        self.capacity = capacity
        self.maxDeliveries = maxDeliveries
    }
}

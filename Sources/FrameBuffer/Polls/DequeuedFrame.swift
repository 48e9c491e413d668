/// One frame as it was handed out here.
package struct DequeuedFrame: Sendable {
    /// What is to be settled or returned; it holds nothing of the frame's bytes.
    package internal(set) var delivery: Delivery
    /// How many frames the queue held when it was read, this one included.
    package internal(set) var depth = 0
    private let entry: FrameEntry

    init(_ entry: FrameEntry, deliveries: Int, failures: Int) {
        self.entry = entry
        delivery = Delivery(id: entry.id, number: deliveries, failures: failures)
    }

    /// Bytes of its names and values.
    package var size: Int { entry.size }

    /// Why it can't be served; nil where it can.
    var unservableReason: String? {
        entry.listsJSON ? withStored(\.unservableReason) : nil
    }

    /// Calls `body` with the frame as it stands in the stream, which must not outlive the call.
    package func withStored<Result>(_ body: (StoredFrame) throws -> Result) rethrows -> Result {
        try entry.withStored(body)
    }

    /// When it began to age.
    func time(of stored: StoredFrame) -> FrameTime {
        FrameTime(captured: stored.timestampMilliseconds, enqueued: Int(clamping: delivery.id.milliseconds))
    }
}

package import RedisClient

/// One frame as it was handed out here.
package struct DequeuedFrame: Sendable {
    /// What is to be settled or returned; it holds nothing of the frame's bytes.
    package internal(set) var delivery: Delivery
    /// The entry's names and values, in turn.
    package let fields: RedisValue
    /// Bytes of its names and values.
    package let size: Int
    /// How many frames the queue held when it was read, this one included.
    package internal(set) var depth = 0

    init(delivery: Delivery, fields: RedisValue) {
        self.delivery = delivery
        self.fields = fields
        var size = 0
        _ = fields.withPairs { size += $0.count + $1.count }
        self.size = size
    }

    /// Why it can't be served; nil where it can.
    var unservableReason: String? {
        withStored(\.unservableReason)
    }

    /// Calls `body` with the frame as it stands in the stream, which must not outlive the call.
    package func withStored<Result>(_ body: (StoredFrame) throws -> Result) rethrows -> Result {
        try withExtendedLifetime(fields) { try body(StoredFrame { _ = fields.withPairs($0) }) }
    }

    /// How old it is: since it was captured or, where it does not say when, enqueued.
    package func age(of stored: StoredFrame) -> FrameAge {
        FrameAge(since: stored.timestampMilliseconds ?? Int(delivery.id.milliseconds))
    }
}

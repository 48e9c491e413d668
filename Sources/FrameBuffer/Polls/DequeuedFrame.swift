package import RedisClient

/// One frame as it was handed out here.
package struct DequeuedFrame: Sendable {
    /// Its message id.
    package let id: StreamID
    /// Which delivery this is, from 1.
    package let deliveries: Int
    /// How often in a row it has failed to reach a caller.
    let failures: Int
    /// The entry's names and values, in turn.
    package let fields: RedisValue
    /// How many frames the queue held when it was read, this one included.
    package internal(set) var depth = 0

    /// Bytes of names and values.
    var size: Int {
        var size = 0
        _ = fields.withPairs { size += $0.count + $1.count }
        return size
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
        FrameAge(since: stored.timestampMilliseconds ?? Int(id.milliseconds))
    }
}

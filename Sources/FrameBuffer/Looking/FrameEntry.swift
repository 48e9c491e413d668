internal import FrameTracking
internal import RedisClient

/// A frame where it stands in the stream: looked at, not taken.
package struct FrameEntry: Sendable {
    /// Its message id.
    package let id: StreamID
    private let fields: RedisValue

    /// Reads an entry as `XRANGE` tells it; nil where it is none.
    init?(_ entry: RedisValue) {
        guard let id = entry[0]?.withBytes({ StreamID($0) }), let id, let fields = entry[1] else { return nil }
        self.id = id
        self.fields = fields
    }

    /// Bytes of its names and values.
    var size: Int {
        var size = 0
        _ = fields.withPairs { size += $0.count + $1.count }
        return size
    }

    /// Calls `body` with the frame, which must not outlive the call.
    package func withStored<Result>(_ body: (StoredFrame) throws -> Result) rethrows -> Result {
        try withExtendedLifetime(fields) { try body(StoredFrame { _ = fields.withPairs($0) }) }
    }
}

/// What a look at the stream showed.
package struct Look: Sendable {
    /// The frames, oldest first.
    package internal(set) var frames: [FrameEntry] = []
    /// The last entry that was looked at, shown or not: where the next look goes on.
    package internal(set) var last: StreamID
    /// Whether there was nothing behind it.
    package internal(set) var isAtEnd = false
}

extension StoredFrame {
    /// The context that its entry carries, as its reader gets it; nil where there is none.
    package var context: OutgoingContext? {
        let (context, _) = carriedContext { SpanContext(traceparent: $0.traceparent, tracestate: $0.tracestate) }
        return context.map { OutgoingContext($0, rewriting: []) }
    }
}

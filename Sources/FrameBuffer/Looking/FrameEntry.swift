internal import FrameTracking
internal import RedisClient

/// A frame as it stands in the stream.
package struct FrameEntry: Sendable {
    /// Its message id.
    package let id: StreamID
    /// Bytes of its names and values.
    package let size: Int
    /// Whether it says which of its fields are JSON. An entry that doesn't has nothing that can't be served.
    let listsJSON: Bool
    private let fields: RedisValue

    /// Reads an entry as `XRANGE` and `XREADGROUP` tell it; nil where it is none.
    init?(_ entry: RedisValue) {
        guard let id = entry[0]?.withBytes({ StreamID($0) }), let id, let fields = entry[1] else { return nil }
        self.init(id: id, fields: fields)
    }

    init(id: StreamID, fields: RedisValue) {
        self.id = id
        self.fields = fields
        var size = 0
        var listsJSON = false
        _ = fields.withPairs { name, value in
            size += name.count + value.count
            if FrameField(RawText(name)) == .json { listsJSON = true }
        }
        self.size = size
        self.listsJSON = listsJSON
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
        let (carried, _) = carriedContext(FrameSpans.contextAndBaggage)
        let baggage = carried.map(\.baggage) ?? carriedBaggage
        return OutgoingContext(carried?.span, baggage: baggage.flatMap { Baggage($0) }, rewriting: [])
    }
}

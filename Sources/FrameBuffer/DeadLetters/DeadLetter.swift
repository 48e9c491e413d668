package import FrameTracking
internal import RedisClient

/// A frame that was given up on.
package struct DeadLetter: Sendable {
    /// Its id among the dead letters.
    package let id: StreamID
    /// The message id that it had as a frame.
    package let formerID: String?
    /// The frame's id, as its producer gave it.
    package let frameID: String?
    /// The frame's camera.
    package let cameraID: String?
    /// Why it was given up on.
    package let reason: String?
    /// How many deliveries of it counted.
    package let deliveries: Int
    /// The trace context that its entry holds; nil where it holds none that is valid.
    package let context: SpanContext?

    /// When it was given up on, by Redis' clock, in milliseconds since 1970.
    package var diedAt: Int { Int(clamping: id.milliseconds) }

    /// One letter as the script lists it; nil if it is not that.
    init?(_ value: RedisValue) {
        guard let id = value[0]?.withBytes({ StreamID($0) }), let id else { return nil }
        self.id = id
        reason = value[1]?.text
        deliveries = value[2]?.integer ?? 0
        formerID = value[3]?.text
        frameID = value[4]?.text
        cameraID = value[5]?.text
        context = CarriedContext(traceparent: value[6]?.text, tracestate: value[7]?.text).flatMap(FrameSpans.context)
    }
}

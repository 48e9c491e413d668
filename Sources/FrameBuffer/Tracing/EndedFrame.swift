internal import FrameTracking
internal import RedisClient

/// A frame that is no more, or no longer where it was: what a span about that says.
struct EndedFrame: Sendable {
    let messageID: String
    let frameID: String?
    let cameraID: String?
    let context: SpanContext?

    /// What a script says of one such frame; nil if it is not that.
    init?(_ value: RedisValue) {
        guard let messageID = value[0]?.string else { return nil }
        self.messageID = messageID
        frameID = value[1]?.text
        cameraID = value[2]?.text
        context = CarriedContext(traceparent: value[3]?.text, tracestate: value[4]?.text).flatMap(FrameSpans.context)
    }

    /// The same of a frame that was read here.
    init(_ frame: DequeuedFrame) {
        messageID = frame.delivery.id.description
        (frameID, cameraID, context) = frame.withStored {
            ($0.frameID, $0.cameraID, $0.carriedContext(FrameSpans.context).context)
        }
    }
}

/// A frame that nobody wants any more, and why.
struct UnwantedFrame: Sendable {
    enum Reason: String {
        /// It is older than its caller wants it.
        case expired
        /// A newer one of its camera is there, for a caller that wants only that.
        case superseded
    }

    let delivery: Delivery
    let frame: EndedFrame
    let reason: Reason
    let age: FrameAge
}

/// A frame that has just been given up on.
struct DeadFrame {
    let frame: EndedFrame
    let reason: String
    let deliveries: Int
    /// Which kind of reason it is: one of few, while the reason may be anybody's words.
    let cause: String

    /// What a script says of one frame that died; nil if it is not that.
    init?(_ value: RedisValue) {
        guard let frame = EndedFrame(value), let reason = value[5]?.string, let deliveries = value[6]?.integer,
            let cause = value[7]?.string
        else { return nil }
        self.frame = frame
        self.reason = reason
        self.deliveries = deliveries
        self.cause = cause
    }
}

extension RedisValue {
    /// The text of a string that scripts leave empty where there is none.
    var text: String? { string.flatMap { $0.isEmpty ? nil : $0 } }
}

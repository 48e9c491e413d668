internal import RedisClient

/// A frame that is no more: what its last span says.
struct EndedFrame {
    let messageID: String
    let frameID: String?
    let cameraID: String?
    let context: CarriedContext?

    /// What a script says of one such frame; nil if it is not that.
    init?(_ value: RedisValue) {
        guard let messageID = value[0]?.string else { return nil }
        self.messageID = messageID
        frameID = value[1]?.text
        cameraID = value[2]?.text
        context = CarriedContext(traceparent: value[3]?.text, tracestate: value[4]?.text)
    }
}

/// A frame that has just been given up on.
struct DeadFrame {
    let frame: EndedFrame
    let reason: String
    let deliveries: Int

    /// What a script says of one frame that died; nil if it is not that.
    init?(_ value: RedisValue) {
        guard let frame = EndedFrame(value), let reason = value[5]?.string, let deliveries = value[6]?.integer else {
            return nil
        }
        self.frame = frame
        self.reason = reason
        self.deliveries = deliveries
    }
}

extension RedisValue {
    /// The text of a string that scripts leave empty where there is none.
    var text: String? { string.flatMap { $0.isEmpty ? nil : $0 } }
}

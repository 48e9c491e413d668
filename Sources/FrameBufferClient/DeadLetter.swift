/// A frame that was given up on.
public struct DeadLetter: Codable, Hashable, Sendable {
    /// Its id among the dead letters.
    public let messageID: String
    /// The message id that it had as a frame.
    public let originalMessageID: String?
    /// The frame's id; nil where its producer wrote it straight into Redis without one.
    public let frameID: String?
    /// The camera it came from, if it says so.
    public let cameraID: String?
    /// Why it was given up on.
    public let reason: String?
    /// How often it had been delivered.
    public let deliveries: Int
    /// The trace that the frame is in, as 32 hexadecimal digits; nil where it is in none.
    public let traceID: String?
    /// When it was given up on, in UTC, as RFC 3339 writes it.
    public let diedAt: String

    private enum CodingKeys: String, CodingKey {
        case reason, deliveries
        case messageID = "message_id"
        case originalMessageID = "original_message_id"
        case frameID = "frame_id"
        case cameraID = "camera_id"
        case traceID = "trace_id"
        case diedAt = "dead_at"
    }
}

/// Some of the dead letters.
public struct DeadLetterPage: Decodable, Sendable {
    /// The letters, the oldest first.
    public let letters: [DeadLetter]
    /// Where to go on: the `after` of the next call; nil where there are no more.
    public let next: String?

    private enum CodingKeys: String, CodingKey {
        case next
        case letters = "dead_letters"
    }
}

/// Which dead letters are meant.
public enum DeadLetterSelection: Hashable, Sendable {
    /// All that there are.
    case all
    /// Those with these ids, up to 1,000.
    case only([String])
}

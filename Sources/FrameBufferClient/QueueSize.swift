/// How full a queue is.
public struct QueueSize: Codable, Hashable, Sendable {
    /// The queue's name.
    public let queue: String
    /// Frames that wait or are leased.
    public let size: Int
    /// Frames to be handed out, new or returned.
    public let waiting: Int
    /// Frames that are handed out and not settled.
    public let leased: Int
    /// Frames that were given up on.
    public let dead: Int
    /// How many may wait or be leased.
    public let capacity: Int
    /// Redis' own estimate of the memory that they take.
    public let bytes: Int?
    /// How long the oldest one has been there, in milliseconds; nil where there is none.
    public let oldestAgeMilliseconds: Int?

    private enum CodingKeys: String, CodingKey {
        case queue, size, waiting, leased, dead, capacity, bytes
        case oldestAgeMilliseconds = "oldest_age_ms"
    }
}

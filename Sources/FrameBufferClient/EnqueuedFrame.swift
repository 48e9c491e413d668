/// What the service says of a frame that it took.
public struct EnqueuedFrame: Codable, Hashable, Sendable {
    /// The frame's id, given or made.
    public let frameID: String
    /// Its entry in the Redis stream.
    public let messageID: String
    /// Frames in the queue, waiting and leased, with this one.
    public let queueSize: Int
    /// The trace that the frame is in, as 32 hexadecimal digits; nil where tracing is disabled.
    public let traceID: String?

    private enum CodingKeys: String, CodingKey {
        case frameID = "frame_id"
        case messageID = "message_id"
        case queueSize = "queue_size"
        case traceID = "trace_id"
    }
}

public import NIOCore

/// A frame that was handed to this caller.
public struct DequeuedFrame: Hashable, Sendable {
    /// How a frame comes.
    public enum Form: Hashable, Sendable {
        /// As its payload, byte for byte; one without a payload as its fields.
        case payload
        /// As all of its fields; a binary payload is base64 in them.
        case fields
    }

    /// What is in it.
    public enum Content: Hashable, Sendable {
        /// Its payload, byte for byte.
        case payload(ByteBuffer, contentType: String)
        /// The service's JSON reply, with the frame's fields under `frame`: `{"status":"dequeued","frame":{…},…}`.
        case fields(ByteBuffer)
    }

    /// The frame's id, as its producer or the service gave it; nil where its producer wrote it straight into Redis without
    /// one.
    public let frameID: String?
    /// Nil where the producer named none.
    public let cameraID: String?
    /// Its entry in the Redis stream.
    public let messageID: String
    /// The trace that the frame is in, as 32 hexadecimal digits; nil where it is in none.
    public let traceID: String?
    /// The W3C trace context to go on with; nil where the frame is in no trace.
    public let traceparent: String?
    /// The time since it was captured.
    public let age: Duration
    /// How often it has been handed out, this time included. A payload's reply doesn't say: nil.
    public let deliveries: Int?
    /// Its payload or its fields.
    public let content: Content
}

/// A frame that is this caller's until its lease ends, or it says what becomes of it.
public struct LeasedFrame: Hashable, Sendable {
    /// The frame.
    public let frame: DequeuedFrame
    /// By what it is acknowledged, handed back, extended or rejected.
    public let receipt: String
    /// How long the lease lasts, from when the service answered.
    public let duration: Duration
}

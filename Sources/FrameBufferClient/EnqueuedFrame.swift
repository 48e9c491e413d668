/// What the service says of a frame that it took.
public struct EnqueuedFrame: Hashable, Sendable {
    /// The frame's id, given or made.
    public let frameID: String
    /// Its entry in the Redis stream.
    public let messageID: String
    /// Frames in the queue, waiting and leased, with this one and those that came with it.
    public let queueSize: Int
    /// The trace that the frame is in, as 32 hexadecimal digits; nil where tracing is disabled.
    public let traceID: String?
    /// True if an earlier request with the same key brought it, and nothing was written.
    public let isDuplicate: Bool
}

// MARK: - From a reply

extension EnqueuedFrame {
    /// What is said of one frame, alone or among others.
    private struct Place: Decodable {
        let frameID: String
        let messageID: String
        let traceID: String?

        enum CodingKeys: String, CodingKey {
            case frameID = "frame_id"
            case messageID = "message_id"
            case traceID = "trace_id"
        }
    }

    /// What is said of all frames of a request.
    private struct Outcome: Decodable {
        let status: String
        let queueSize: Int

        enum CodingKeys: String, CodingKey {
            case status
            case queueSize = "queue_size"
        }
    }

    private init(_ place: Place, _ outcome: Outcome) {
        self.init(
            frameID: place.frameID,
            messageID: place.messageID,
            queueSize: outcome.queueSize,
            traceID: place.traceID,
            isDuplicate: outcome.status == "duplicate"
        )
    }

    /// The answer to a single frame.
    struct Reply: Decodable {
        let frame: EnqueuedFrame

        init(from decoder: any Decoder) throws {
            frame = EnqueuedFrame(try Place(from: decoder), try Outcome(from: decoder))
        }
    }

    /// The answer to a batch.
    struct BatchReply: Decodable {
        let frames: [EnqueuedFrame]

        private enum CodingKeys: CodingKey {
            case frames
        }

        init(from decoder: any Decoder) throws {
            let outcome = try Outcome(from: decoder)
            let members = try decoder.container(keyedBy: CodingKeys.self)
            frames = try members.decode([Place].self, forKey: .frames).map { EnqueuedFrame($0, outcome) }
        }
    }
}

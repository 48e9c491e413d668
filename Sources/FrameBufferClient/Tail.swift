/// What was read along: frames that stay in the queue for the workers.
public struct Tail: Decodable, Sendable {
    /// What tells a frame from others.
    public struct Frame: Decodable, Sendable {
        /// Its id in the queue.
        public let messageID: String
        /// Its id; nil where its producer wrote it straight into Redis without one.
        public let frameID: String?
        /// The camera it came from, if it says so.
        public let cameraID: String?
        /// The id of its trace, if it has one.
        public let traceID: String?

        private enum CodingKeys: String, CodingKey {
            case frame
            case messageID = "message_id"
            case traceID = "trace_id"
        }

        private enum FieldKeys: String, CodingKey {
            case frameID = "frame_id"
            case cameraID = "camera_id"
        }

        /// Reads an element of `frames`.
        public init(from decoder: any Decoder) throws {
            let members = try decoder.container(keyedBy: CodingKeys.self)
            messageID = try members.decode(String.self, forKey: .messageID)
            traceID = try members.decodeIfPresent(String.self, forKey: .traceID)
            let fields = try members.nestedContainer(keyedBy: FieldKeys.self, forKey: .frame)
            frameID = try? fields.decode(String.self, forKey: .frameID)
            cameraID = try? fields.decode(String.self, forKey: .cameraID)
        }
    }

    /// The frames, oldest first.
    public let frames: [Frame]
    /// Where to go on: the `after` of the next call.
    public let next: String
}

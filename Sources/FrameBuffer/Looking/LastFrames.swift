/// The last frame of each camera that one loop enqueued, until Redis is told of it.
struct LastFrames {
    /// What is known of a camera's last frame.
    struct Frame {
        let id: StreamID
        let frameID: String
    }

    /// The most cameras that are known, here and in Redis: who makes up cameras must not fill the memory with them.
    static let most = 1000

    private(set) var frames: [String: Frame] = [:]

    /// A camera's frame was enqueued. One more camera than ``most`` is not noted before Redis was told of the others.
    mutating func note(_ frame: Frame, of camera: String) {
        if let index = frames.index(forKey: camera) {
            // Told in turn, they are in order; one that could not be told comes back behind newer ones.
            if frames.values[index].id < frame.id { frames.values[index] = frame }
        } else if frames.count < Self.most {
            frames[camera] = frame
        }
    }

    /// Hands them over, to be told or noted again.
    mutating func take() -> [String: Frame] {
        defer { frames = [:] }
        return frames
    }
}

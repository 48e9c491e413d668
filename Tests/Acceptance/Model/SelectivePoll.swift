/// A poll for a selection of the frames: it may have given up any that it did not want and that waited while it was under way.
struct SelectivePoll: Sendable {
    let start: Duration
    let end: Duration
    /// How old a frame might be that it wanted, in hours; nil: of any age.
    var maxAge: Int?
    /// Whether it wanted only the newest of each camera.
    var isLatest = false

    /// What it may have done to one frame.
    struct Effect: Sendable {
        let exit: FrameState.Exit
        let start: Duration
        let end: Duration
        /// The newest message id that a frame of the same camera may have had then, for one that is superseded; nil where
        /// that is not known.
        var newest: String?

        /// Whether a frame may have gone so that waited from `since`, and was seen to be gone by `seen`.
        func concerns(_ messageID: String?, since: Duration, seen: Duration) -> Bool {
            guard end >= since, start <= seen else { return false }
            guard let newest, let messageID else { return true }
            return MessageID.isOlder(messageID, than: newest)
        }
    }
}

/// The order of message ids.
enum MessageID {
    static func isOlder(_ one: String, than other: String) -> Bool {
        numbers(one).lexicographicallyPrecedes(numbers(other))
    }

    private static func numbers(_ id: String) -> [Int] { id.split(separator: "-").compactMap { Int($0) } }
}

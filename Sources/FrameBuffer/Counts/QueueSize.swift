/// How many frames a queue holds, and where they are.
package struct QueueSize: Sendable {
    /// Waiting and in hand.
    package let size: Int
    /// To be handed out: new, or returned.
    package let waiting: Int
    /// Handed out, and not settled yet.
    package let leased: Int
    /// Given up on.
    package let dead: Int
    /// The most that `size` may be.
    package let capacity: Int
    /// The most that `bytes` may be; nil: any number.
    package let capacityBytes: Int?
    /// Redis' own estimate of the stream's memory, at most a second old.
    package let bytes: Int
    /// The age of the frame that has waited longest, which was looked up at most a second ago; nil while nothing waits.
    package let oldestAge: FrameAge?
}

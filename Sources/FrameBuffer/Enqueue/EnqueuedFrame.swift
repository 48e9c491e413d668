/// What became of a frame that was written.
package struct EnqueuedFrame: Sendable {
    /// The producer's id, or the one that was made.
    package let frameID: String
    /// Its message id.
    package let messageID: StreamID
    /// How many frames the queue holds, this one included: waiting and in hand.
    package let queueSize: Int
    /// The context that its entry holds; nil where tracing is off and nobody brought one.
    package let context: OutgoingContext?
    /// True if an earlier request of the same key wrote it, and this one nothing: the rest is as that one was told.
    package var isDuplicate = false
}

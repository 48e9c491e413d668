internal import RedisClient

/// A frame with its id and its trace context: what one `XADD` writes. A class, as is the frame, and for the same reason.
final class StreamEntry: Sendable {
    let frame: IncomingFrame
    let frameID: String
    let context: OutgoingContext?

    init(frame: IncomingFrame, frameID: String, context: OutgoingContext?) {
        self.frame = frame
        self.frameID = frameID
        self.context = context
    }

    /// How many words its names and values are.
    var wordCount: Int { 2 * frame.fieldCount(context: context) }

    /// An upper bound of what ``encode(into:)`` writes, in bytes.
    var size: Int {
        wordCount * RESPEncoder.bulkSize(0) + frame.byteCountBound(frameID: frameID, context: context)
    }

    /// About how many bytes of Redis' memory it takes.
    var memory: Int { ByteCapacity.memory(size) }

    /// Writes names and values.
    func encode(into encoder: inout RESPEncoder) {
        frame.forEachField(frameID: frameID, context: context) { name, value in
            encoder.bulk(name)
            encoder.bulk(value)
        }
    }
}

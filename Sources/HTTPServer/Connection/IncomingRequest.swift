import NIOCore

/// A request whose body is still coming.
struct IncomingRequest {
    let head: RequestHead
    let framing: RequestFraming
    let remoteAddress: PeerAddress?
    let receivedAt: UInt64

    private(set) var body = ByteBuffer()
    /// Whether `100 Continue` is still to be sent.
    var owesContinue: Bool

    private var startedAt: NIODeadline
    private var lastByteAt: NIODeadline

    init(
        head: RequestHead,
        framing: RequestFraming,
        remoteAddress: PeerAddress?,
        receivedAt: UInt64,
        now: NIODeadline
    ) {
        self.head = head
        self.framing = framing
        self.remoteAddress = remoteAddress
        self.receivedAt = receivedAt
        owesContinue = framing.expectsContinue
        startedAt = now
        lastByteAt = now
    }

    /// Takes in a part of the body; one that came in a single read is not copied.
    mutating func append(_ part: ByteBuffer, now: NIODeadline) {
        lastByteAt = now
        owesContinue = false
        guard body.readableBytes > 0 else {
            body = part
            return
        }
        if body.readableBytes + part.readableBytes > body.capacity, case .fixed(let length) = framing.bodyLength {
            // The sender's word is enough: it is addresses that it takes, and memory only as the bytes come.
            body.reserveCapacity(length)
        }
        body.writeImmutableBuffer(part)
    }

    /// Reading was paused until now, for which the peer must not pay.
    mutating func resumed(now: NIODeadline) {
        startedAt = now
        lastByteAt = now
    }

    /// When the peer has been too slow, unless more comes before.
    func deadline(_ configuration: HTTPServerConfiguration) -> NIODeadline {
        let seconds = Int64(body.readableBytes / max(1, configuration.minimumBodyRate))
        return min(lastByteAt, startedAt + .seconds(seconds)) + configuration.bodyIdleDeadline
    }
}

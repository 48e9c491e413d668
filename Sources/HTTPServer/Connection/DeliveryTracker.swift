import DequeModule
import NIOCore

/// Judges whether responses of one connection reached the caller.
///
/// A response whose delivery matters is *unproven* from the moment it was written until one of these: a request head that
/// began in a later read, while nothing else was owing; all its bytes acknowledged, either on a connection that has been
/// open for a second since, or twice, 100 ms apart, after the peer's orderly close; an error, a close or a reset. Without
/// any acknowledgement for ten seconds the connection has to be reset: only then can nothing of it arrive any more.
struct DeliveryTracker {
    typealias Callback = @Sendable (HTTPDelivery) -> Void

    /// What the kernel says about a socket.
    struct Progress {
        /// Bytes that the peer has acknowledged since the connection began.
        var acknowledged: UInt64
        /// Whether the connection is gone. Then nothing is unacknowledged either, so that this has to be looked at first.
        var isClosed: Bool
    }

    private struct Reply {
        let end: UInt64
        let writtenAt: NIODeadline
        /// The latest cycle of reading that may have brought bytes which the caller sent without knowing the reply.
        let readCycle: Int
        var acknowledgedAt: NIODeadline?
        let callback: Callback
    }

    /// When to look at the socket next.
    private(set) var nextLook: NIODeadline?

    private var unproven = Deque<Reply>()
    private var verdicts = Deque<(Callback, HTTPDelivery)>()
    private var written: UInt64 = 0
    private var acknowledged: UInt64 = 0
    private var progressAt = NIODeadline.uptimeNanoseconds(0)
    private var isWatched = false

    var isUnproven: Bool { !unproven.isEmpty }

    /// Counts bytes that were handed to the socket.
    mutating func wrote(_ count: Int) {
        written += UInt64(count)
    }

    /// Begins to judge a response whose last byte was handed to the socket.
    mutating func track(_ callback: @escaping Callback, readCycle: Int, now: NIODeadline, delay: TimeAmount) {
        if nextLook == nil { progressAt = now }
        let reply = Reply(end: written, writtenAt: now, readCycle: readCycle, acknowledgedAt: nil, callback: callback)
        unproven.append(reply)
        nextLook = min(nextLook ?? .distantFuture, now + delay)
    }

    /// Watches that the peer acknowledges anything at all, while more is waiting to be sent than the socket takes.
    mutating func watch(_ isWatched: Bool, now: NIODeadline, delay: TimeAmount) {
        self.isWatched = isWatched
        if isWatched, nextLook == nil {
            progressAt = now
            nextLook = now + delay
        } else if !isWatched, unproven.isEmpty {
            nextLook = nil
        }
    }

    /// A next request has begun in `readCycle`, with nothing owing: what left before was received.
    mutating func nextRequest(readCycle: Int) {
        while let reply = unproven.first, reply.readCycle < readCycle {
            decide(.reached)
        }
        if unproven.isEmpty, !isWatched { nextLook = nil }
    }

    /// The time of a look has come, or the peer has closed: the next one is set by ``looked(_:isInputClosed:now:configuration:)``.
    mutating func willLook() {
        nextLook = nil
    }

    /// Takes in what a look at the socket showed.
    ///
    /// - Returns: Whether the connection has to be reset; what was unproven has failed then.
    mutating func looked(
        _ progress: Progress,
        isInputClosed: Bool,
        now: NIODeadline,
        configuration: HTTPServerConfiguration
    ) -> Bool {
        guard !progress.isClosed else {
            failAll()
            return true
        }
        if progress.acknowledged > acknowledged {
            acknowledged = progress.acknowledged
            progressAt = now
        }
        decideAcknowledged(isInputClosed: isInputClosed, now: now, configuration: configuration)

        guard isWatched || !unproven.isEmpty else {
            nextLook = nil
            return false
        }
        let owesAcknowledgement = acknowledged < written
        if owesAcknowledgement, now - progressAt >= configuration.stallDeadline {
            failAll()
            return true
        }
        nextLook = now + (isInputClosed ? configuration.resetDelay : configuration.deliveryDelay)
        if !isInputClosed, let first = unproven.first, first.end <= acknowledged {
            nextLook = first.writtenAt + configuration.deliveryDelay
        }
        return false
    }

    /// The connection has failed, ended or is being reset.
    mutating func failAll() {
        while !unproven.isEmpty { decide(.failed) }
        isWatched = false
        nextLook = nil
    }

    /// The next verdict to report.
    mutating func nextVerdict() -> (Callback, HTTPDelivery)? {
        verdicts.popFirst()
    }

    private mutating func decideAcknowledged(
        isInputClosed: Bool,
        now: NIODeadline,
        configuration: HTTPServerConfiguration
    ) {
        if isInputClosed {
            for index in unproven.indices where unproven[index].end <= acknowledged {
                unproven[index].acknowledgedAt = unproven[index].acknowledgedAt ?? now
            }
            while let at = unproven.first?.acknowledgedAt, now - at >= configuration.resetDelay {
                decide(.reached)
            }
        } else {
            while let reply = unproven.first, reply.end <= acknowledged,
                now - reply.writtenAt >= configuration.deliveryDelay
            {
                decide(.reached)
            }
        }
    }

    private mutating func decide(_ delivery: HTTPDelivery) {
        verdicts.append((unproven.removeFirst().callback, delivery))
    }
}

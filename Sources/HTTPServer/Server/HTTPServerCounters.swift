import Synchronization

/// What a server counts, for metrics: how much is open, and how often a bound was hit.
package final class HTTPServerCounters: Sendable {
    /// Connections open now.
    package var openConnections: Int { open.load(ordering: .relaxed) }

    /// Connections accepted since the start.
    package var acceptedConnections: Int { accepted.load(ordering: .relaxed) }

    /// Connections that were one too many.
    package var refusedConnections: Int { refused.load(ordering: .relaxed) }

    /// Requests that the connection refused by itself: malformed, too large or too slow.
    package var refusedRequests: Int { badRequests.load(ordering: .relaxed) }

    /// How often reading paused, as requests were ahead of their answers or answers ahead of their reader.
    package var pausedReads: Int { pauses.load(ordering: .relaxed) }

    /// Connections that were reset: their peer acknowledged nothing, or a hand-over had to fail.
    package var resetConnections: Int { resets.load(ordering: .relaxed) }

    private let open = Atomic<Int>(0)
    private let accepted = Atomic<Int>(0)
    private let refused = Atomic<Int>(0)
    private let badRequests = Atomic<Int>(0)
    private let pauses = Atomic<Int>(0)
    private let resets = Atomic<Int>(0)

    /// Counters at zero.
    package init() {}

    func connectionOpened(isRefused: Bool) {
        open.add(1, ordering: .relaxed)
        accepted.add(1, ordering: .relaxed)
        if isRefused { refused.add(1, ordering: .relaxed) }
    }

    func connectionTurnedAway() { refused.add(1, ordering: .relaxed) }

    func connectionClosed() { open.subtract(1, ordering: .relaxed) }

    func requestRefused() { badRequests.add(1, ordering: .relaxed) }

    func readPaused() { pauses.add(1, ordering: .relaxed) }

    func connectionReset() { resets.add(1, ordering: .relaxed) }
}

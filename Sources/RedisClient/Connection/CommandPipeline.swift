internal import DequeModule

/// The order of what was sent and not yet answered: which reply is whose.
///
/// A caller that gives up leaves its slot behind, so that its reply is read and dropped and nobody gets a neighbour's.
/// It does no I/O; `Waiter` is whatever wants a reply.
struct CommandPipeline<Waiter> {
    /// Names one slot for as long as the connection lives.
    struct Slot: Hashable, Sendable {
        fileprivate let number: Int
    }

    /// What to do with a reply.
    enum Reply {
        case deliver(Waiter)
        /// Its caller gave up.
        case drop
        /// Nothing was asked: the stream of replies can't be trusted any more.
        case unexpected
    }

    private var waiters: Deque<Waiter?> = []
    private var first = 0

    /// How many replies are owing.
    var count: Int { waiters.count }

    /// Notes that a command was sent.
    mutating func sent(_ waiter: consuming Waiter) -> Slot {
        waiters.append(waiter)
        return Slot(number: first + waiters.count - 1)
    }

    /// Takes the waiter out of its slot; nil if it was answered already.
    mutating func abandon(_ slot: Slot) -> Waiter? {
        let index = slot.number - first
        guard waiters.indices.contains(index) else { return nil }
        defer { waiters[index] = nil }
        return waiters[index]
    }

    /// A whole reply came.
    mutating func reply() -> Reply {
        guard !waiters.isEmpty else { return .unexpected }
        first += 1
        if let waiter = waiters.removeFirst() { return .deliver(waiter) }
        return .drop
    }

    /// The connection ended: whoever still waits will never have a reply.
    mutating func removeAll() -> [Waiter] {
        defer {
            first += waiters.count
            waiters = []
        }
        return waiters.compactMap(\.self)
    }
}

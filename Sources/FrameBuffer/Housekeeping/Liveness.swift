internal import NIOCore

/// Which processes are alive, judged by their heartbeats.
///
/// A process is dead once its count has stood still for ``patience`` on our own monotonic clock, while Redis answered: a
/// time in which we saw nothing, as Redis was away or we slept, says nothing about the others.
struct Liveness {
    static let patience = TimeAmount.seconds(10)
    /// The longest pause between two observations that still counts as having watched.
    static let longestGap = TimeAmount.seconds(3)

    private var seen: [String: (count: Int, watched: TimeAmount)] = [:]
    private var last: NIODeadline?

    /// Takes in what Redis said: the counts of all heartbeats, and the processes that have consumers in the group.
    /// Returns those that are dead.
    mutating func observe(_ counts: [String: Int], of processes: Set<String>, now: NIODeadline) -> Set<String> {
        let elapsed = last.map { now - $0 } ?? .zero
        last = now
        let watched = elapsed <= Self.longestGap ? elapsed : .zero
        var next: [String: (count: Int, watched: TimeAmount)] = [:]
        for process in processes.union(counts.keys) {
            // A process that is not listed has not been heard of yet, or was forgotten with the hash: it will be.
            let count = counts[process] ?? -1
            if let before = seen[process], before.count == count {
                next[process] = (count, before.watched + watched)
            } else {
                next[process] = (count, .zero)
            }
        }
        seen = next
        return Set(next.filter { $0.value.watched >= Self.patience }.keys)
    }
}

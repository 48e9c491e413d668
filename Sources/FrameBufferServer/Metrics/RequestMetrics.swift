internal import Synchronization

/// How long requests took, on all event loops.
final class RequestMetrics: Sendable {
    /// What tells requests apart.
    struct Kind: Hashable {
        let route: String
        let method: String
        let status: UInt
    }

    private let durations = Mutex<[RequestDurations]>([])

    /// Takes in what an event loop counts.
    func add(_ durations: some Sequence<RequestDurations>) {
        self.durations.withLock { $0 += durations }
    }

    /// What was counted so far, in an order that stays.
    var totals: [(kind: Kind, histogram: DurationHistogram)] {
        var totals: [Kind: DurationHistogram] = [:]
        for durations in durations.withLock({ $0 }) {
            for (status, histogram) in durations.byStatus {
                let kind = Kind(route: durations.route, method: durations.method, status: status)
                totals[kind, default: DurationHistogram()].add(histogram)
            }
        }
        return totals.sorted {
            ($0.key.route, $0.key.method, $0.key.status) < ($1.key.route, $1.key.method, $1.key.status)
        }
        .map { ($0.key, $0.value) }
    }
}

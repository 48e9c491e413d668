internal import FrameTracking
internal import HTTPServer
internal import Synchronization

/// How long the requests of one method and route took on one event loop, by status.
///
/// The lock is for who reads it: its loop alone writes.
final class RequestDurations: Sendable {
    let method: String
    /// As `http.route` has it; empty for requests of paths that lead nowhere.
    let route: String
    private let statuses = Mutex<[(status: UInt, histogram: DurationHistogram)]>([])

    init(method: String, route: String) {
        self.method = method
        self.route = route
    }

    /// Counts a request that is answered now.
    func record(_ request: HTTPRequest, _ status: UInt, in context: SpanContext?) {
        let now = WallClock.nanoseconds()
        // The machine's clock may have been set back meanwhile.
        let duration = now > request.receivedAt ? now - request.receivedAt : 0
        statuses.withLock { statuses in
            let index = statuses.firstIndex { $0.status == status } ?? statuses.count
            if index == statuses.count { statuses.append((status, DurationHistogram())) }
            statuses[index].histogram.record(duration, in: context)
        }
    }

    /// What was counted so far.
    var byStatus: [(status: UInt, histogram: DurationHistogram)] { statuses.withLock { $0 } }
}

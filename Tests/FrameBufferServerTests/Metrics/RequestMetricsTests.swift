import FrameTracking
import HTTPServer
import NIOHTTP1
import Testing

@testable import FrameBufferServer

@Suite("How long requests took")
struct RequestMetricsTests {
    @Test("is told of all event loops together, by route, method and status, in an order that stays")
    func totals() {
        let metrics = RequestMetrics()
        let loops = (0..<2).map { _ in
            [RequestDurations(method: "POST", route: "/b"), RequestDurations(method: "GET", route: "/a")]
        }
        for loop in loops { metrics.add(loop) }
        let request = HTTPRequest(method: .GET, target: "/a", receivedAt: WallClock.nanoseconds())
        for loop in loops { for durations in loop { durations.record(request, 200, in: nil) } }
        loops[1][0].record(request, 429, in: nil)
        #expect(
            metrics.totals.map(\.kind) == [
                .init(route: "/a", method: "GET", status: 200), .init(route: "/b", method: "POST", status: 200),
                .init(route: "/b", method: "POST", status: 429),
            ]
        )
        #expect(metrics.totals.map(\.histogram.count) == [2, 2, 1])
    }

    @Test("is nothing where the machine's clock was set back meanwhile")
    func clock() {
        let durations = RequestDurations(method: "GET", route: "/a")
        let later = WallClock.nanoseconds() + 3_600_000_000_000
        durations.record(HTTPRequest(method: .GET, target: "/a", receivedAt: later), 200, in: nil)
        #expect(durations.byStatus.map(\.histogram.sum) == [0])
        #expect(durations.byStatus.map(\.histogram.count) == [1])
    }
}

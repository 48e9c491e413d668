package import FrameBuffer
package import FrameTracking
package import HTTPServer
package import Logging
internal import NIOCore

/// What the endpoints of all event loops share.
package struct ServiceState: Sendable {
    /// The service's version.
    package static let version = FrameTracer.version

    let tracer: FrameTracer
    let limits: FrameLimits
    let logger: Logger
    /// The queues of each event loop.
    let loops: [Queues]
    let polls: PollLimit
    let connections: HTTPServerCounters
    let requests = RequestMetrics()
    /// When it started, in nanoseconds since 1970.
    let startedAt = WallClock.nanoseconds()
    private let start = NIODeadline.now()

    /// The state of a service that starts now.
    package init(
        tracer: FrameTracer,
        limits: FrameLimits,
        loops: [Queues],
        polls: PollLimit,
        connections: HTTPServerCounters,
        logger: Logger
    ) {
        self.tracer = tracer
        self.limits = limits
        self.loops = loops
        self.polls = polls
        self.connections = connections
        self.logger = logger
    }

    /// How long it has run.
    var uptimeSeconds: Int { Int((NIODeadline.now() - start).nanoseconds / 1_000_000_000) }
}

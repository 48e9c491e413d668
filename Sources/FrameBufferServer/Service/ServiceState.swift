package import FrameBuffer
package import FrameTracking
package import Logging
internal import NIOCore

/// What the endpoints of all event loops share.
package struct ServiceState: Sendable {
    /// The service's version.
    package static let version = FrameTracer.version

    let tracer: FrameTracer
    let limits: FrameLimits
    let logger: Logger
    private let start = NIODeadline.now()

    /// The state of a service that starts now.
    package init(tracer: FrameTracer, limits: FrameLimits, logger: Logger) {
        self.tracer = tracer
        self.limits = limits
        self.logger = logger
    }

    /// How long it has run.
    var uptimeSeconds: Int { Int((NIODeadline.now() - start).nanoseconds / 1_000_000_000) }
}

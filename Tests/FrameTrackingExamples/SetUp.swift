import FrameTracking
import Logging
import ServiceLifecycle
import Tracing

/// Runs a worker until its work is done or the program is told to stop; then its last spans are sent.
func run(_ worker: some Service, environment: [String: String]) async throws {
    // shown
    LoggingSystem.bootstrap(StreamLogHandler.standardError, metadataProvider: .frameTracking)
    let logger = Logger(label: "object-detector")
    let settings = TracingSettings(environment: environment, serviceName: "object-detector")
    for warning in settings.warnings { logger.warning("\(warning)") }
    let tracer = FrameTracer(settings: settings, logger: logger)
    InstrumentationSystem.bootstrap(tracer)
    let group = ServiceGroup(
        configuration: .init(
            services: [
                .init(service: tracer),
                .init(
                    service: worker,
                    successTerminationBehavior: .gracefullyShutdownGroup,
                    failureTerminationBehavior: .gracefullyShutdownGroup
                ),
            ],
            gracefulShutdownSignals: [.sigterm, .sigint],
            logger: logger
        )
    )
    try await group.run()
    // end
}

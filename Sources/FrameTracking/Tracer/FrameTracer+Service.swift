import AsyncHTTPClient
import Logging
public import ServiceLifecycle

extension FrameTracer: Service {
    /// Exports spans until graceful shutdown, then those that are left, within the time set for it.
    ///
    /// Cancelling it stops at once; what was not exported is counted as dropped.
    public func run() async throws {
        guard let processor else {
            try? await gracefulShutdown()
            return
        }
        if settings.exporter == .console {
            return await processor.run(exporter: ConsoleExporter(settings: settings))
        }
        let client = HTTPClient(
            eventLoopGroupProvider: .singleton,
            configuration: OTLPExporter.clientConfiguration(settings, logger: logger)
        )
        await processor.run(exporter: OTLPExporter(settings: settings, client: client))
        try await client.shutdown()
    }
}

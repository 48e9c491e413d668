internal import Logging
internal import ServiceLifecycle
internal import UnixSignals

#if canImport(Musl)
    internal import Musl
#else
    internal import Glibc
#endif

/// What SIGTERM and SIGINT do: the first begins the graceful shutdown, a second ends the process at once.
struct SignalService: Service {
    /// SIGTERM and SIGINT, trapped since the process began to start: as process 1 it would not be sent them otherwise.
    let signals: UnixSignalsSequence
    let shutDown: @Sendable () async -> Void
    let logger: Logger

    static func trap() async -> UnixSignalsSequence {
        await UnixSignalsSequence(trapping: .sigterm, .sigint)
    }

    func run() async throws {
        await withTaskGroup { group in
            group.addTask {
                var isStopping = false
                for await signal in signals {
                    if isStopping { _exit(128 + signal.rawValue) }
                    isStopping = true
                    logger.info("stopping", metadata: ["signal": "\(signal)"])
                    await shutDown()
                }
            }
            // It is the last to stop, so that the second signal is heard for as long as there is something to stop.
            try? await gracefulShutdown()
            group.cancelAll()
        }
    }
}

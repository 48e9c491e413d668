import Logging

/// Tells the operator about lost spans, at most one line in ten seconds, so that a receiver which is away for hours
/// does not fill the disk. What was not told is in the next line's counts.
struct ExportLog {
    private let logger: Logger
    private let interval: Duration
    private let elapsed: @Sendable () -> Duration
    private var lastLine: Duration?
    private var untoldFailures = 0
    private var toldDroppedQueueFull = 0

    init(logger: Logger, clock: any Clock<Duration>, interval: Duration = .seconds(10)) {
        self.logger = logger
        self.interval = interval
        self.elapsed = clock.stopwatch()
    }

    /// Notes what became of a batch of `spans`.
    mutating func note(_ result: ExportResult, of spans: Int, _ statistics: TracingStatistics) {
        switch result {
        case .exported(0, ""):
            if statistics.droppedQueueFull > toldDroppedQueueFull {
                warn("Spans were dropped, as more ended than could be exported", statistics)
            }
        case .exported(let rejected, let message):
            warn("The trace receiver rejected \(rejected) of \(spans) spans: \(message)", statistics)
        case .failed(let reason):
            warn("\(spans) spans could not be exported: \(reason)", statistics)
        }
    }

    private mutating func warn(_ message: @autoclosure () -> String, _ statistics: TracingStatistics) {
        let now = elapsed()
        if let lastLine, now - lastLine < interval {
            untoldFailures += 1
            return
        }
        logger.warning(
            "\(message())",
            metadata: [
                "not_logged_since": "\(untoldFailures)",
                "dropped_queue_full": "\(statistics.droppedQueueFull)",
                "dropped_failed": "\(statistics.droppedFailed)",
                "dropped_rejected": "\(statistics.droppedRejected)",
            ]
        )
        lastLine = now
        untoldFailures = 0
        toldDroppedQueueFull = statistics.droppedQueueFull
    }
}

extension Clock<Duration> {
    /// A function that says how much time has passed on this clock since now.
    func stopwatch() -> @Sendable () -> Duration {
        let start = now
        return { start.duration(to: self.now) }
    }
}

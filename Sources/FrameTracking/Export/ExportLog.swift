import Logging

/// Tells the operator about lost spans: at once, and then ever more seldom while they are lost in the same way, so that a
/// receiver which is away for days does not fill the disk. What was not told is in the next line's counts.
struct ExportLog {
    private let logger: Logger
    private let elapsed: @Sendable () -> Duration
    /// When the last line was written, and what it was about.
    private var lastLine: (time: Duration, trouble: Trouble)?
    /// How long after a line the next one may come.
    private var interval = ExportLog.shortestInterval
    private var untoldFailures = 0
    private var toldDroppedQueueFull = 0
    private var hasToldFailure = false

    private enum Trouble: Equatable {
        case queueFull
        case remark
        case rejected
        case failed(ExportResult.Loss)
    }

    static let shortestInterval = Duration.seconds(10)
    static let longestInterval = Duration.seconds(320)

    init(logger: Logger, clock: any Clock<Duration>) {
        self.logger = logger
        self.elapsed = clock.stopwatch()
    }

    /// Notes what became of a batch of `spans`.
    mutating func note(_ result: ExportResult, of spans: Int, _ statistics: TracingStatistics) {
        switch result {
        case .exported(0, ""):
            if statistics.droppedQueueFull > toldDroppedQueueFull {
                warn(.queueFull, "Spans were dropped, as more ended than could be exported", statistics)
            } else {
                recover(statistics)
            }
        case .exported(0, let message):
            warn(.remark, "The trace receiver took \(spans) spans, but says: \(message)", statistics)
        case .exported(let rejected, let message):
            warn(.rejected, "The trace receiver rejected \(rejected) of \(spans) spans: \(message)", statistics)
        case .failed(let loss, let reason):
            if warn(.failed(loss), "\(spans) spans could not be exported: \(reason)", statistics) {
                hasToldFailure = true
            }
        }
    }

    /// All is well again: said once for each time that it was said not to be.
    private mutating func recover(_ statistics: TracingStatistics) {
        if let lastLine, elapsed() - lastLine.time >= interval {
            self.lastLine = nil
            interval = ExportLog.shortestInterval
        }
        guard hasToldFailure else { return }
        hasToldFailure = false
        logger.notice("Spans are exported again", metadata: metadata(statistics))
        untoldFailures = 0
    }

    @discardableResult
    private mutating func warn(
        _ trouble: Trouble,
        _ message: @autoclosure () -> String,
        _ statistics: TracingStatistics
    ) -> Bool {
        let now = elapsed()
        if let lastLine {
            if lastLine.trouble != trouble { interval = ExportLog.shortestInterval }
            guard now - lastLine.time >= interval else {
                untoldFailures += 1
                return false
            }
            if lastLine.trouble == trouble { interval = min(interval * 2, ExportLog.longestInterval) }
        }
        logger.warning("\(message())", metadata: metadata(statistics))
        lastLine = (now, trouble)
        untoldFailures = 0
        toldDroppedQueueFull = statistics.droppedQueueFull
        return true
    }

    private func metadata(_ statistics: TracingStatistics) -> Logger.Metadata {
        [
            "not_logged_since": "\(untoldFailures)",
            "dropped_queue_full": "\(statistics.droppedQueueFull)",
            "dropped_refused": "\(statistics.droppedRefused)",
            "dropped_unreachable": "\(statistics.droppedUnreachable)",
            "dropped_rejected": "\(statistics.droppedRejected)",
        ]
    }
}

extension Clock<Duration> {
    /// A function that says how much time has passed on this clock since now.
    func stopwatch() -> @Sendable () -> Duration {
        let start = now
        return { start.duration(to: self.now) }
    }
}

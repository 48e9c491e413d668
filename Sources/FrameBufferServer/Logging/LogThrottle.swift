package import Logging
import Synchronization

/// Logs what fails again and again at most once in an interval, with the number of times it was left out: a Redis that is
/// away for a night must not fill a disk.
package final class LogThrottle<C: Clock>: Sendable where C.Duration == Duration {
    private struct Entry {
        var last: C.Instant
        var leftOut = 0
    }

    private let logger: Logger
    private let interval: Duration
    private let clock: C
    private let entries = Mutex<[String: Entry]>([:])

    /// - Parameters:
    ///   - interval: the time from one line about a failure to the next one about the same.
    ///   - clock: tells the time.
    package init(_ logger: Logger, interval: Duration = .seconds(10), clock: C = ContinuousClock()) {
        self.logger = logger
        self.interval = interval
        self.clock = clock
    }

    /// Logs the message unless there was one about `failure` within the interval; then counts it. The next line that is
    /// written ends with the count: `Redis is away (repeated 17 times)`.
    ///
    /// - Parameter failure: what failed. Written in the source, so that there are but few.
    package func log(
        _ level: Logger.Level,
        about failure: StaticString,
        _ message: @autoclosure () -> String,
        metadata: @autoclosure () -> Logger.Metadata? = nil
    ) {
        guard let leftOut = admit(failure.description) else { return }
        let repeats = leftOut == 0 ? "" : " (repeated \(leftOut) \(leftOut == 1 ? "time" : "times"))"
        logger.log(level: level, "\(message())\(repeats)", metadata: metadata())
    }

    /// How often the failure was left out before, or nil if it is to be left out now.
    private func admit(_ failure: String) -> Int? {
        let now = clock.now
        return entries.withLock { entries in
            if let entry = entries[failure], entry.last.duration(to: now) < interval {
                entries[failure]?.leftOut += 1
                return nil
            }
            let leftOut = entries[failure]?.leftOut ?? 0
            entries[failure] = Entry(last: now)
            return leftOut
        }
    }
}

/// When to try a failed request again: exponential backoff with jitter, never before the time that the receiver named,
/// and never beyond the limit for the whole export.
struct RetrySchedule {
    private let limit: Duration
    private var backoff: Duration
    private static let maximumBackoff = Duration.seconds(5)

    init(limit: Duration, initialBackoff: Duration = .seconds(1)) {
        self.limit = limit
        self.backoff = initialBackoff
    }

    /// How long to wait before the next attempt; nil if the export is to be given up, which it is at once when the
    /// wait would not end in time.
    ///
    /// - Parameters:
    ///   - elapsed: since the export began.
    ///   - retryAfter: what the receiver asked for.
    ///   - jitter: a random number from 0 to 1, for ±20 %: exporters that failed together should not return together.
    mutating func delay(elapsed: Duration, retryAfter: Duration?, jitter: Double) -> Duration? {
        let jittered = backoff * (0.8 + 0.4 * jitter)
        backoff = min(backoff * 2, RetrySchedule.maximumBackoff)
        // With "Retry-After: 0" the backoff still holds, or a broken receiver would be asked in a tight loop.
        let delay = max(jittered, retryAfter ?? .zero)
        return elapsed + delay < limit ? delay : nil
    }
}

package import NIOCore

/// The growing, jittered pause between attempts: it doubles from 20 ms, and each is between a half and the whole of that,
/// so that many clients of one Redis don't come back in step.
package struct Backoff {
    private static let shortest = TimeAmount.milliseconds(20)

    private let longest: TimeAmount
    private var current = shortest

    /// No pause will be longer than `longest`.
    package init(longest: TimeAmount) {
        self.longest = longest
    }

    /// The pause before the next attempt.
    package mutating func next() -> Duration {
        var generator = SystemRandomNumberGenerator()
        return next(using: &generator)
    }

    /// The pause before the next attempt, with a given source of randomness.
    package mutating func next(using generator: inout some RandomNumberGenerator) -> Duration {
        let whole = min(current, longest).nanoseconds
        current = .nanoseconds(min(whole * 2, longest.nanoseconds))
        return .nanoseconds(Int64.random(in: whole / 2...whole, using: &generator))
    }

    /// It went well: the next pause is the shortest again.
    package mutating func reset() {
        current = Self.shortest
    }
}

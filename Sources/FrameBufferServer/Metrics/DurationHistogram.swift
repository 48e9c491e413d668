internal import FrameTracking

/// How often something took how long, in buckets from a tenth of a millisecond, which is about what an enqueue takes, to the
/// minute that a poll may wait.
struct DurationHistogram: Sendable {
    /// A traced case for an example of a bucket: the last one.
    struct Exemplar: Sendable {
        let traceID: TraceID
        let spanID: SpanID
        fileprivate let nanoseconds: UInt64

        var seconds: Double { DurationHistogram.seconds(nanoseconds) }
    }

    private struct Bucket: Sendable {
        var count = 0
        var exemplar: Exemplar?
    }

    /// The longest durations of the buckets, in microseconds; one more has what took longer.
    private static let bounds: [UInt64] = [
        100, 250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000, 2_500_000,
        5_000_000, 10_000_000, 30_000_000, 60_000_000,
    ]

    private var each = Array(repeating: Bucket(), count: Self.bounds.count + 1)
    private var nanoseconds: UInt64 = 0

    /// Counts one, which belongs to a trace where there is a `context` that is sampled.
    mutating func record(_ nanoseconds: UInt64, in context: SpanContext? = nil) {
        var index = 0
        while index < Self.bounds.count, nanoseconds > Self.bounds[index] * 1000 { index += 1 }
        each[index].count += 1
        self.nanoseconds += nanoseconds
        if let context, context.isSampled {
            each[index].exemplar = Exemplar(traceID: context.traceID, spanID: context.spanID, nanoseconds: nanoseconds)
        }
    }

    /// Adds what another one counted.
    mutating func add(_ other: DurationHistogram) {
        for (index, bucket) in other.each.enumerated() {
            each[index].count += bucket.count
            each[index].exemplar = bucket.exemplar ?? each[index].exemplar
        }
        nanoseconds += other.nanoseconds
    }

    // MARK: Looking

    /// How many there were.
    var count: Int { each.reduce(0) { $0 + $1.count } }

    /// How long they took together, in seconds.
    var sum: Double { Self.seconds(nanoseconds) }

    /// How many took up to so many seconds, each bucket with those before it.
    var buckets: [(bound: Double, count: Int, exemplar: Exemplar?)] {
        var count = 0
        return each.enumerated().map { index, bucket in
            count += bucket.count
            let bound = index < Self.bounds.count ? Double(Self.bounds[index]) / 1e6 : .infinity
            return (bound, count, bucket.exemplar)
        }
    }

    private static func seconds(_ nanoseconds: UInt64) -> Double { Double(nanoseconds) / 1e9 }
}

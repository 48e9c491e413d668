/// When polls were under way whose replies nobody has read, as their callers left or the service died.
struct UnreadPolls: Sendable {
    private var starts: [Duration] = []
    private var ends: [Duration] = []

    init(_ spans: [(start: Duration, end: Duration)] = []) {
        starts = spans.map(\.start).sorted()
        ends = spans.map(\.end).sorted()
    }

    /// How many were under way at some moment of that time.
    func count(from start: Duration, to end: Duration) -> Int {
        max(0, Self.count(in: starts) { $0 <= end } - Self.count(in: ends) { $0 < start })
    }

    /// How many of sorted moments come before all others.
    private static func count(in moments: [Duration], where isBefore: (Duration) -> Bool) -> Int {
        var (low, high) = (0, moments.count)
        while low < high {
            let middle = (low + high) / 2
            if isBefore(moments[middle]) { low = middle + 1 } else { high = middle }
        }
        return low
    }
}

import Testing

@testable import FrameTracking

@Suite("Retrying")
struct RetryTests {
    @Test("Waits double from one second to five, by a fifth more or less")
    func backoff() {
        var schedule = RetrySchedule(limit: .seconds(100))
        let delays = [0.5, 0.5, 0.5, 0.5, 0, 0.75].map {
            schedule.delay(elapsed: .zero, retryAfter: nil, jitter: $0)
        }
        #expect(delays == [.seconds(1), .seconds(2), .seconds(4), .seconds(5), .seconds(4), .seconds(5.5)])
    }

    @Test("The receiver's time is kept, and a shorter one does not shorten the backoff")
    func retryAfter() {
        var schedule = RetrySchedule(limit: .seconds(100))
        #expect(schedule.delay(elapsed: .zero, retryAfter: .seconds(30), jitter: 0.5) == .seconds(30))
        #expect(schedule.delay(elapsed: .zero, retryAfter: .zero, jitter: 0.5) == .seconds(2))
    }

    @Test("A wait that would not end in time is not begun")
    func limit() {
        var schedule = RetrySchedule(limit: .seconds(10))
        #expect(schedule.delay(elapsed: .seconds(5), retryAfter: .seconds(5), jitter: 0.5) == nil)
        #expect(schedule.delay(elapsed: .seconds(5), retryAfter: .seconds(4), jitter: 0.5) == .seconds(4))
        #expect(schedule.delay(elapsed: .seconds(9), retryAfter: nil, jitter: 0.5) == nil)
    }

    /// 6 November 1994, 08:49:37 GMT.
    private static let now: UInt64 = 784_111_777_000_000_000

    @Test(
        "Retry-After is seconds or a date",
        arguments: [
            ("0", Duration.zero), ("2", .seconds(2)), ("120", .seconds(120)),
            ("99999999999999999999", .seconds(31_536_000)),
            ("Sun, 06 Nov 1994 08:49:39 GMT", .seconds(2)), ("Sun, 06 Nov 1994 08:49:30 GMT", .zero),
            ("Tue, 29 Feb 2000 00:00:00 GMT", .seconds(951_782_400 - 784_111_777)),
            ("Thu, 01 Mar 2001 00:00:00 GMT", .seconds(983_404_800 - 784_111_777)),
            ("Fri, 31 Dec 2100 23:59:59 GMT", .seconds(4_133_980_799 - 784_111_777)),
        ]
    )
    func header(text: String, delay: Duration) {
        #expect(RetryAfter.parse(text, now: Self.now) == delay)
    }

    @Test("Part of a second before the date is waited for too")
    func fraction() {
        #expect(RetryAfter.parse("Sun, 06 Nov 1994 08:49:38 GMT", now: Self.now + 900_000_000) == .milliseconds(100))
    }

    @Test(
        "Anything else is no Retry-After",
        arguments: [
            "", "-1", "1.5", "2s", "soon", "Sun, 06 Nov 1994 08:49:37", "06 Nov 1994 08:49:37 GMT",
            "Sun, 06 Nov 1994 08:49 GMT", "Sun, 06 Foo 1994 08:49:37 GMT", "Sun, 32 Nov 1994 08:49:37 GMT",
            "Sun, 06 Nov 1994 24:49:37 GMT", "Sun, 06 Nov 1994 08:49:37 CET",
        ]
    )
    func malformed(text: String) {
        #expect(RetryAfter.parse(text, now: Self.now) == nil)
    }
}

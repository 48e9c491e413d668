import FrameTracking

/// A moment in UTC as RFC 3339 writes it, to the millisecond: `2026-03-01T09:30:00.250Z`.
struct LogTimestamp: Hashable, Sendable, CustomStringConvertible {
    /// Since 1970, without leap seconds.
    let milliseconds: Int64

    static var now: LogTimestamp {
        LogTimestamp(milliseconds: Int64(WallClock.nanoseconds() / 1_000_000))
    }

    var description: String {
        let day = 86_400_000
        let (days, rest) = Int(milliseconds).quotientAndRemainder(dividingBy: day)
        let (date, time) = rest < 0 ? (days - 1, rest + day) : (days, rest)

        // Years here begin in March, so that the day that some of them lack is their last; an era is the 400 years after
        // which the calendar repeats itself.
        let shifted = date + 719_468
        let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let month = (5 * dayOfYear + 2) / 153
        let year = yearOfEra + era * 400 + (month < 10 ? 0 : 1)

        return "\(padded(year, 4))-\(padded(month < 10 ? month + 3 : month - 9))-"
            + "\(padded(dayOfYear - (153 * month + 2) / 5 + 1))T"
            + "\(padded(time / 3_600_000)):\(padded(time / 60_000 % 60)):\(padded(time / 1_000 % 60))."
            + "\(padded(time % 1_000, 3))Z"
    }

    private func padded(_ number: Int, _ width: Int = 2) -> String {
        let digits = String(number)
        return String(repeating: "0", count: max(0, width - digits.utf8.count)) + digits
    }
}

/// The `Retry-After` header: seconds or a date (RFC 9110, section 10.2.3).
enum RetryAfter {
    /// How long to wait from `now`, in nanoseconds since 1970; zero for a date that is past, nil for anything else.
    static func parse(_ header: String, now: UInt64) -> Duration? {
        if header.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }) {
            // More digits than a number has are a wait beyond any limit, as a year is.
            return header.isEmpty ? nil : .seconds(min(Int64(header) ?? .max, 31_536_000))
        }
        guard let date = unixSeconds(header) else { return nil }
        return max(.seconds(date) - .nanoseconds(Int64(clamping: now)), .zero)
    }

    /// The preferred form of dates in HTTP, `Sun, 06 Nov 1994 08:49:37 GMT`; senders may not use any other.
    private static func unixSeconds(_ date: String) -> Int64? {
        let parts = date.split(separator: " ")
        guard parts.count == 6, parts[0].hasSuffix(","), parts[5] == "GMT",
            let day = Int64(parts[1]), (1...31).contains(day),
            let month = months.firstIndex(of: String(parts[2])),
            let year = Int64(parts[3]), (1970...9999).contains(year)
        else { return nil }
        let time = parts[4].split(separator: ":").compactMap { Int64($0) }
        guard time.count == 3, (0..<24).contains(time[0]), (0..<60).contains(time[1]), (0...60).contains(time[2]) else {
            return nil
        }
        return days(year: year, month: Int64(month) + 1, day: day) * 86_400 + time[0] * 3600 + time[1] * 60 + time[2]
    }

    private static let months = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ]

    /// Days since 1970 in the Gregorian calendar. Years are counted from March, so that leap days come last.
    private static func days(year: Int64, month: Int64, day: Int64) -> Int64 {
        let shiftedYear = month > 2 ? year : year - 1
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        return shiftedYear * 365 + shiftedYear / 4 - shiftedYear / 100 + shiftedYear / 400 + dayOfYear - 719_468
    }
}

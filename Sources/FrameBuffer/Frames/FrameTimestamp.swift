/// Reads a frame's `timestamp`: RFC 3339, or a number.
enum FrameTimestamp {
    /// Further from 1970 than this nobody's clock is. The bound keeps differences inside `Int`.
    private static let furthest = 4e18

    /// Milliseconds since 1970 (UTC); nil where `text` is no timestamp.
    ///
    /// A number is seconds below 1e11, milliseconds from there on, rounded to the nearest.
    static func milliseconds(_ text: RawText) -> Int? {
        dateTime(text) ?? number(text)
    }

    private static func number(_ text: RawText) -> Int? {
        // By JSON's grammar: Swift's own parser also takes "nan", "0x1p3" and the like.
        guard !text.isEmpty, text[0] == UInt8(ascii: "-") || text[0] &- UInt8(ascii: "0") < 10,
            JSONScanner.validateValue(text.buffer) == nil,
            let number = Double(text.string)
        else { return nil }
        let milliseconds = number < 1e11 ? number * 1000 : number
        return Int(min(max(milliseconds, -furthest), furthest).rounded())
    }

    /// `2025-11-25T03:05:00.123+01:00`; a blank may stand for the `T`, letters may be small, and without an offset it
    /// is UTC.
    private static func dateTime(_ text: RawText) -> Int? {
        var reader = Reader(text)
        guard let year = reader.digits(4), reader.skip("-"),
            let month = reader.digits(2), reader.skip("-"), (1...12).contains(month),
            let day = reader.digits(2), (1...daysInMonth(month, of: year)).contains(day),
            reader.skip("T") || reader.skip("t") || reader.skip(" "),
            let hour = reader.digits(2), hour < 24, reader.skip(":"),
            let minute = reader.digits(2), minute < 60, reader.skip(":"),
            // A leap second is the first one of the next minute.
            let second = reader.digits(2), second <= 60,
            let fraction = reader.fraction(),
            let offset = reader.offset(),
            reader.isAtEnd
        else { return nil }
        let minutes = (days(year, month, day) * 24 + hour) * 60 + minute - offset
        return (minutes * 60 + second) * 1000 + fraction
    }

    /// Days since 1970-01-01 in the Gregorian calendar.
    ///
    /// Years are counted from March: the leap day is then a year's last, and months before it repeat every five.
    private static func days(_ year: Int, _ month: Int, _ day: Int) -> Int {
        let year = month > 2 ? year : year - 1
        let monthFromMarch = (month + 9) % 12
        // Year 0 from January is year -1 from March: division has to round down.
        let century = (year >= 0 ? year : year - 99) / 100
        let leapDays = (year >= 0 ? year : year - 3) / 4 - century + (century >= 0 ? century : century - 3) / 4
        return year * 365 + leapDays + (monthFromMarch * 153 + 2) / 5 + day - 1 - 719_468
    }

    private static func daysInMonth(_ month: Int, of year: Int) -> Int {
        switch month {
        case 2: year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28
        case 4, 6, 9, 11: 30
        default: 31
        }
    }

    /// Takes a text apart from its beginning.
    private struct Reader {
        private let text: RawText
        private var position = 0

        init(_ text: RawText) {
            self.text = text
        }

        var isAtEnd: Bool { position == text.count }

        mutating func skip(_ character: Unicode.Scalar) -> Bool {
            guard position < text.count, text[position] == UInt8(ascii: character) else { return false }
            position += 1
            return true
        }

        mutating func digit() -> Int? {
            guard position < text.count, text[position] &- UInt8(ascii: "0") < 10 else { return nil }
            defer { position += 1 }
            return Int(text[position] - UInt8(ascii: "0"))
        }

        mutating func digits(_ count: Int) -> Int? {
            var number = 0
            for _ in 0..<count {
                guard let digit = digit() else { return nil }
                number = number * 10 + digit
            }
            return number
        }

        /// Milliseconds of a fraction, 0 where there is none; nil for a point without digits.
        mutating func fraction() -> Int? {
            guard skip(".") else { return 0 }
            guard var milliseconds = digit().map({ $0 * 100 }) else { return nil }
            var unit = 10
            while let digit = digit() {
                milliseconds += digit * unit
                unit /= 10
            }
            return milliseconds
        }

        /// Minutes east of UTC, 0 where none are given; nil where they are out of range.
        mutating func offset() -> Int? {
            if isAtEnd || skip("Z") || skip("z") { return 0 }
            let isEast = skip("+")
            guard isEast || skip("-"), let hours = digits(2), hours < 24, skip(":"), let minutes = digits(2),
                minutes < 60
            else { return nil }
            return (isEast ? 1 : -1) * (hours * 60 + minutes)
        }
    }
}

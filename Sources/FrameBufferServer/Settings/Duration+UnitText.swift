internal import FrameBuffer

extension Duration {
    private static let units: [(name: String, milliseconds: Int64)] = [
        ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1),
    ]

    /// Reads a whole number with its unit, `250ms`, `1s`, `2m`, `1h`; a bare number is seconds. The form of every duration in
    /// settings and requests. Nil for anything else.
    package init?(unitText text: some StringProtocol) {
        let digits = text.prefix { $0.isASCII && $0.isNumber }
        let unit = text[digits.endIndex...]
        guard let number = Int64(digits),
            let factor = unit.isEmpty ? 1_000 : Self.units.first(where: { $0.name == unit })?.milliseconds
        else { return nil }
        let (milliseconds, overflow) = number.multipliedReportingOverflow(by: factor)
        guard !overflow else { return nil }
        self = .milliseconds(milliseconds)
    }

    /// The duration in the largest unit that gives a whole number; what is below a millisecond is left out.
    package var unitText: String {
        let milliseconds = milliseconds
        guard milliseconds != 0, let unit = Self.units.first(where: { milliseconds.isMultiple(of: $0.milliseconds) })
        else {
            return "0s"
        }
        return "\(milliseconds / unit.milliseconds)\(unit.name)"
    }
}

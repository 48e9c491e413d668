/// A number of bytes as people write it: `32MiB`, `64KB`, `1000`.
struct ByteSize: Hashable, Sendable, CustomStringConvertible {
    let bytes: Int

    private static let units: [(name: String, factor: Int)] = [
        ("GiB", 1 << 30), ("GB", 1_000_000_000), ("MiB", 1 << 20), ("MB", 1_000_000), ("KiB", 1 << 10), ("KB", 1_000),
        ("B", 1),
    ]

    init(bytes: Int) {
        self.bytes = bytes
    }

    /// A whole number and, if any, a unit in any case of letters. Nil for anything else, and for more than an `Int` holds.
    init?(_ text: String) {
        let digits = text.prefix { $0.isASCII && $0.isNumber }
        let unit = text[digits.endIndex...].lowercased()
        guard let number = Int(digits),
            let factor = unit.isEmpty ? 1 : Self.units.first(where: { $0.name.lowercased() == unit })?.factor
        else { return nil }
        let (bytes, overflow) = number.multipliedReportingOverflow(by: factor)
        guard !overflow else { return nil }
        self.bytes = bytes
    }

    var description: String {
        for unit in Self.units where unit.name.hasSuffix("iB") && bytes > 0 && bytes.isMultiple(of: unit.factor) {
            return "\(bytes / unit.factor)\(unit.name)"
        }
        return String(bytes)
    }
}

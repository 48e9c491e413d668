/// Lists like `key=value,key=value` with percent-encoding, as `OTEL_*` variables have them (W3C Baggage's format).
enum KeyValueList {
    /// One member of a list.
    struct Entry {
        /// Its place in the list, from 1, for a warning that must not show it.
        let position: Int
        /// What it says; nil if it is malformed.
        let pair: (key: String, value: String)?

        var isValid: Bool { pair != nil }
    }

    /// The members of a list, without empty ones.
    ///
    /// Only the first `=` separates; blanks around keys and values are dropped, and kept within them.
    static func parse(_ text: String) -> [Entry] {
        var entries: [Entry] = []
        for (index, member) in text.utf8.split(separator: UInt8(ascii: ","), omittingEmptySubsequences: false)
            .enumerated()
        {
            let member = member.trimmingBlanks()
            if !member.isEmpty { entries.append(Entry(position: index + 1, pair: pair(member))) }
        }
        return entries
    }

    private static func pair(_ member: Substring.UTF8View) -> (key: String, value: String)? {
        guard let equals = member.firstIndex(of: UInt8(ascii: "=")),
            let key = percentDecoded(member[..<equals].trimmingBlanks()), !key.isEmpty,
            let value = percentDecoded(member[member.index(after: equals)...].trimmingBlanks())
        else { return nil }
        return (key, value)
    }

    /// nil if a percent sign is not followed by two digits, or the result is not UTF-8.
    private static func percentDecoded(_ text: Substring.UTF8View) -> String? {
        var decoded: [UInt8] = []
        var rest = text
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                decoded.append(byte)
                continue
            }
            guard let high = rest.popFirst().flatMap(hexadecimalDigit),
                let low = rest.popFirst().flatMap(hexadecimalDigit)
            else { return nil }
            decoded.append(high << 4 | low)
        }
        return String(validating: decoded, as: UTF8.self)
    }

    private static func hexadecimalDigit(_ character: UInt8) -> UInt8? {
        UInt8(String(UnicodeScalar(character)), radix: 16)
    }
}

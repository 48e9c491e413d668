/// What applications pass along with a trace: names, values and properties, carried as they came and never read
/// (W3C Baggage).
public struct Baggage: Hashable, Sendable {
    /// The list, without blanks around anything in it and without empty members: ready to be sent.
    public let rawValue: String

    /// At most this many members are passed on: as many as the specification demands.
    static let maximumMembers = 64
    /// The list that is passed on has at most this many bytes: likewise.
    static let maximumLength = 8192

    /// A list of its text; nil if nothing in it can be passed on.
    ///
    /// A member that breaks the grammar is dropped, and so is one that there is no room for. A key that comes twice is
    /// no fault.
    public init?(_ text: String) {
        self.init(combining: CollectionOfOne(text))
    }

    /// A list of several header fields, in the order in which they came (RFC 9110, section 5.3); nil as above.
    public init?(combining fields: some Collection<String>) {
        var list: [UInt8] = []
        var members = 0
        for field in fields {
            for member in field.utf8.split(separator: Baggage.comma) where members < Baggage.maximumMembers {
                let end = list.count
                if !list.isEmpty { list.append(Baggage.comma) }
                if Baggage.append(member, to: &list), list.count <= Baggage.maximumLength {
                    members += 1
                } else {
                    list.removeSubrange(end...)
                }
            }
        }
        guard !list.isEmpty else { return nil }
        rawValue = String(decoding: list, as: UTF8.self)
    }

    // MARK: Grammar

    /// Appends a member, `key=value` with properties behind it; false if it is none.
    private static func append(_ member: Substring.UTF8View, to list: inout [UInt8]) -> Bool {
        var isFirst = true
        for part in member.split(separator: semicolon, omittingEmptySubsequences: false) {
            if !isFirst { list.append(semicolon) }
            guard append(part, needsValue: isFirst, to: &list) else { return false }
            isFirst = false
        }
        return true
    }

    /// Appends `key=value` or, of properties only, `key`; false if it is neither.
    private static func append(_ part: Substring.UTF8View, needsValue: Bool, to list: inout [UInt8]) -> Bool {
        let equals = part.firstIndex(of: self.equals)
        let key = part[..<(equals ?? part.endIndex)].trimmingBlanks()
        guard !key.isEmpty, key.allSatisfy(isTokenCharacter), equals != nil || !needsValue else { return false }
        list.append(contentsOf: key)
        guard let equals else { return true }
        let value = part[part.index(after: equals)...].trimmingBlanks()
        guard value.allSatisfy(isValueCharacter) else { return false }
        list.append(self.equals)
        list.append(contentsOf: value)
        return true
    }

    /// RFC 9110, section 5.6.2.
    private static func isTokenCharacter(_ character: UInt8) -> Bool {
        switch character {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "!"), UInt8(ascii: "#")...UInt8(ascii: "'"),
            UInt8(ascii: "*"), UInt8(ascii: "+"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "^"),
            UInt8(ascii: "_"), UInt8(ascii: "`"), UInt8(ascii: "|"), UInt8(ascii: "~"):
            true
        default:
            false
        }
    }

    private static func isValueCharacter(_ character: UInt8) -> Bool {
        (0x21...0x7E).contains(character) && character != UInt8(ascii: "\"") && character != comma
            && character != semicolon && character != UInt8(ascii: "\\")
    }

    private static let comma = UInt8(ascii: ",")
    private static let semicolon = UInt8(ascii: ";")
    private static let equals = UInt8(ascii: "=")
}

extension Baggage: CustomStringConvertible {
    /// The list as it is sent.
    public var description: String { rawValue }
}

/// Vendors' own trace data, passed on as it came (W3C Trace Context Level 2, "tracestate").
public struct TraceState: Hashable, Sendable {
    /// The list, without blanks around its members and without empty members: ready to be sent.
    public let rawValue: String

    /// A list of at most this many members is valid.
    static let maximumMembers = 32
    /// Keys and values may have up to this many characters.
    static let maximumLength = 256

    /// A list of its text; nil if there is nothing in it or anything in it breaks the grammar.
    ///
    /// A key that comes twice is no fault: the specification leaves it to the vendor whose key it is.
    public init?(_ text: String) {
        self.init(combining: CollectionOfOne(text))
    }

    /// A list of several header fields, in the order in which they came (RFC 9110, section 5.3); nil as above.
    public init?(combining fields: some Collection<String>) {
        var list: [UInt8] = []
        var members = 0
        for field in fields {
            for member in field.utf8.split(separator: UInt8(ascii: ","), omittingEmptySubsequences: true) {
                let member = member.trimmingBlanks()
                if member.isEmpty { continue }
                members += 1
                guard members <= TraceState.maximumMembers, TraceState.isMember(member) else { return nil }
                if !list.isEmpty { list.append(UInt8(ascii: ",")) }
                list.append(contentsOf: member)
            }
        }
        guard !list.isEmpty else { return nil }
        rawValue = String(decoding: list, as: UTF8.self)
    }

    // MARK: Grammar

    private static func isMember(_ member: Substring.UTF8View) -> Bool {
        guard let equals = member.firstIndex(of: UInt8(ascii: "=")) else { return false }
        let key = member[..<equals]
        let value = member[member.index(after: equals)...]
        return (1...maximumLength).contains(key.count) && (1...maximumLength).contains(value.count)
            && key.first.map(isKeyStart) == true
            && key.allSatisfy(isKeyCharacter) && value.allSatisfy(isValueCharacter)
    }

    private static func isKeyStart(_ character: UInt8) -> Bool {
        switch character {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"): true
        default: false
        }
    }

    private static func isKeyCharacter(_ character: UInt8) -> Bool {
        switch character {
        case UInt8(ascii: "_"), UInt8(ascii: "-"), UInt8(ascii: "*"), UInt8(ascii: "/"), UInt8(ascii: "@"): true
        default: isKeyStart(character)
        }
    }

    private static func isValueCharacter(_ character: UInt8) -> Bool {
        (0x20...0x7E).contains(character) && character != UInt8(ascii: ",") && character != UInt8(ascii: "=")
    }
}

extension TraceState: CustomStringConvertible {
    /// The list as it is sent.
    public var description: String { rawValue }
}

extension BidirectionalCollection<UInt8> {
    /// Without the spaces and horizontal tabs around it: the "optional white space" of HTTP (RFC 9110, section 5.6.3).
    func trimmingBlanks() -> SubSequence {
        func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 }
        guard let first = firstIndex(where: { !isBlank($0) }), let last = lastIndex(where: { !isBlank($0) }) else {
            return self[endIndex...]
        }
        return self[first...last]
    }
}

import Foundation

/// A JSON value with its numbers as they were written, so that a digit that got lost shows.
enum JSON: Equatable, Sendable {
    case null
    case bool(Bool)
    /// Its text.
    case number(String)
    case string(String)
    case array([JSON])
    case object([String: JSON])

    struct Invalid: Error {}

    /// Reads a text; a reader of the tests' own, as Foundation's rounds numbers.
    init(_ bytes: [UInt8]) throws {
        var reader = Reader(text: Array(String(decoding: bytes, as: UTF8.self).unicodeScalars))
        self = try reader.value()
        reader.blanks()
        guard reader.position == reader.text.count else { throw Invalid() }
    }

    init(_ text: String) throws { try self.init(Array(text.utf8)) }

    subscript(name: String) -> JSON? {
        if case .object(let members) = self { members[name] } else { nil }
    }

    subscript(index: Int) -> JSON? {
        if case .array(let elements) = self, elements.indices.contains(index) { elements[index] } else { nil }
    }

    var string: String? {
        if case .string(let text) = self { text } else { nil }
    }

    var integer: Int? {
        if case .number(let text) = self { Int(text) } else { nil }
    }

    private struct Reader {
        let text: [Unicode.Scalar]
        var position = 0

        mutating func blanks() {
            while position < text.count, [" ", "\n", "\r", "\t"].contains(text[position]) { position += 1 }
        }

        mutating func value() throws -> JSON {
            blanks()
            guard position < text.count else { throw Invalid() }
            switch text[position] {
            case "{": return .object(try members())
            case "[": return .array(try elements())
            case "\"": return .string(try string())
            default: return try word()
            }
        }

        private mutating func members() throws -> [String: JSON] {
            var members: [String: JSON] = [:]
            position += 1
            while try more(until: "}", first: members.isEmpty) {
                blanks()
                let name = try string()
                try take(":")
                guard members.updateValue(try value(), forKey: name) == nil else { throw Invalid() }
            }
            return members
        }

        private mutating func elements() throws -> [JSON] {
            var elements: [JSON] = []
            position += 1
            while try more(until: "]", first: elements.isEmpty) { elements.append(try value()) }
            return elements
        }

        private mutating func more(until end: Unicode.Scalar, first: Bool) throws -> Bool {
            blanks()
            guard position < text.count else { throw Invalid() }
            if text[position] == end {
                position += 1
                return false
            }
            if !first { try take(",") }
            return true
        }

        private mutating func take(_ scalar: Unicode.Scalar) throws {
            blanks()
            guard position < text.count, text[position] == scalar else { throw Invalid() }
            position += 1
        }

        private mutating func string() throws -> String {
            let start = position
            try take("\"")
            while position < text.count, text[position] != "\"" { position += text[position] == "\\" ? 2 : 1 }
            try take("\"")
            let literal = text[start..<position].reduce(into: "") { $0.unicodeScalars.append($1) }
            return try JSONDecoder().decode(String.self, from: Data(literal.utf8))
        }

        private mutating func word() throws -> JSON {
            let start = position
            while position < text.count, !",]} \n\r\t".unicodeScalars.contains(text[position]) { position += 1 }
            let word = text[start..<position].reduce(into: "") { $0.unicodeScalars.append($1) }
            switch word {
            case "null": return .null
            case "true": return .bool(true)
            case "false": return .bool(false)
            default:
                guard word.wholeMatch(of: /-?(0|[1-9]\d*)(\.\d+)?([eE][-+]?\d+)?/) != nil else { throw Invalid() }
                return .number(word)
            }
        }
    }
}

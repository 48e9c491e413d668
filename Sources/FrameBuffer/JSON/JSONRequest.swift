package import NIOCore

/// A small JSON object as a request brings it, its members as Swift values.
package struct JSONRequest: Sendable {
    /// The value of a member, as far as requests have use for it.
    package enum Value: Equatable, Sendable {
        case string(String)
        /// An array of nothing but strings.
        case strings([String])
        /// Its text.
        case number(String)
        /// Anything else.
        case other
    }

    /// The members in their order; no name stands twice.
    package let members: [(name: String, value: Value)]

    /// Reads a body that is one JSON object.
    package init(_ body: ByteBuffer, limits: FrameLimits = FrameLimits()) throws(FrameError) {
        members = try body.withUnsafeReadableBytes { bytes throws(FrameError) in
            var scanner = JSONScanner(bytes, limits: limits)
            var members: [JSONMember] = []
            scanner.skipBlanks()
            try scanner.scanObject(into: &members)
            try scanner.finish()
            let text = RawText(bytes)
            return members.map { member in
                (member.name.withUnescaped(in: text) { $0.string }, Value(member, in: text))
            }
        }
    }
}

extension JSONRequest.Value {
    fileprivate init(_ member: JSONMember, in bytes: RawText) {
        switch member.kind {
        case .string: self = .string(member.value.withUnescaped(in: bytes) { $0.string })
        case .number: self = .number(member.value.raw(in: bytes).string)
        case .array: self = Self.strings(member.value.raw(in: bytes)).map { .strings($0) } ?? .other
        case .bool, .null, .object: self = .other
        }
    }

    /// The elements of an array that the scanner has found to be sound; nil unless all are strings.
    private static func strings(_ array: RawText) -> [String]? {
        var strings: [String] = []
        var index = 1
        while index < array.count - 1 {
            switch array[index] {
            case UInt8(ascii: "\""):
                let start = index + 1
                var saved = 0
                index = start
                while array[index] != UInt8(ascii: "\"") {
                    guard array[index] == UInt8(ascii: "\\") else {
                        index += 1
                        continue
                    }
                    let escape = JSONEscape(array, at: index)
                    saved += escape.length - escape.utf8.count
                    index += escape.length
                }
                let text = JSONText(start..<index, unescapedCount: index - start - saved)
                strings.append(text.withUnescaped(in: array) { $0.string })
                index += 1
            case UInt8(ascii: ","), UInt8(ascii: " "), UInt8(ascii: "\t"), UInt8(ascii: "\n"), UInt8(ascii: "\r"):
                index += 1
            default:
                return nil
            }
        }
        return strings
    }
}

internal import NIOHTTP1

/// The header fields of a request as they came: names and values are ranges of the head's bytes, and become text when they
/// are asked for. Names are the same whatever the case of their letters.
package struct RequestFields: Sendable {
    /// Where a name and its value lie.
    struct Field {
        let name: Range<Int>
        let value: Range<Int>
    }

    private let bytes: [UInt8]
    private let fields: [Field]

    /// Fields that were found in a head's bytes.
    init(_ fields: [Field], of bytes: [UInt8]) {
        self.fields = fields
        self.bytes = bytes
    }

    /// How many fields have this name, which is in lower case.
    package func count(of name: StaticString) -> Int {
        var count = 0
        forEach(name) { _ in count += 1 }
        return count
    }

    /// The value of the first field with this name, which is in lower case; nil where there is none.
    package func first(_ name: StaticString) -> String? {
        index(of: name, from: 0).map(text(at:))
    }

    /// Whether the first field with this name has this value; both are in lower case.
    package func first(_ name: StaticString, is value: StaticString) -> Bool {
        guard let index = index(of: name, from: 0) else { return false }
        return bytes.withUnsafeBytes { Self.isEqual(fields[index].value, of: $0, value) }
    }

    /// The values of all fields with this name, which is in lower case, in their order.
    package func all(_ name: StaticString) -> [String] {
        var values: [String] = []
        forEach(name) { values.append(text(at: $0)) }
        return values
    }

    /// Whether the fields with this name list an option, separated by commas; both are in lower case.
    package func lists(_ name: StaticString, _ option: StaticString) -> Bool {
        var isListed = false
        forEach(name) { index in
            isListed =
                isListed
                || bytes.withUnsafeBytes { bytes in
                    let items: [Slice<UnsafeRawBufferPointer>] = bytes[fields[index].value].split(
                        separator: UInt8(ascii: ",")
                    )
                    return items.contains { item in
                        let first = item.firstIndex { !$0.isBlank } ?? item.endIndex
                        let last = item.lastIndex { !$0.isBlank } ?? first
                        return first < item.endIndex && Self.isEqual(first..<last + 1, of: bytes, option)
                    }
                }
        }
        return isListed
    }

    /// The value of a field that there must not be twice; nil where there is none.
    func only(_ name: StaticString) throws(HTTPProblem) -> String? {
        guard let first = index(of: name, from: 0) else { return nil }
        guard index(of: name, from: first + 1) == nil else {
            throw HTTPProblem(.badRequest, detail: "More than one \(name)")
        }
        return text(at: first)
    }

    @inline(__always)
    private func forEach(_ name: StaticString, _ body: (_ index: Int) -> Void) {
        var start = 0
        while let index = index(of: name, from: start) {
            body(index)
            start = index + 1
        }
    }

    private func text(at index: Int) -> String {
        bytes.withUnsafeBytes { String(decoding: $0[fields[index].value], as: UTF8.self) }
    }

    private func index(of name: StaticString, from start: Int) -> Int? {
        bytes.withUnsafeBytes { bytes in
            var index = start
            while index < fields.count {
                if Self.isEqual(fields[index].name, of: bytes, name) { return index }
                index += 1
            }
            return nil
        }
    }

    @inline(__always)
    private static func isEqual(_ part: Range<Int>, of bytes: UnsafeRawBufferPointer, _ lowercase: StaticString) -> Bool
    {
        let count = part.count
        guard count == lowercase.utf8CodeUnitCount, let start = bytes.baseAddress else { return false }
        let (text, lowercase) = (start + part.lowerBound, UnsafeRawPointer(lowercase.utf8Start))
        // Of letters this is the lower case, and no other byte that a field has becomes one of those that we ask for.
        func isEqual<Bits: FixedWidthInteger>(_ offset: Int, _ bits: Bits) -> Bool {
            let word = text.loadUnaligned(fromByteOffset: offset, as: Bits.self) | bits
            return word == lowercase.loadUnaligned(fromByteOffset: offset, as: Bits.self)
        }
        var offset = 0
        while offset &+ 8 <= count {
            guard isEqual(offset, 0x2020_2020_2020_2020 as UInt64) else { return false }
            offset &+= 8
        }
        while offset < count {
            guard isEqual(offset, 0x20 as UInt8) else { return false }
            offset &+= 1
        }
        return true
    }
}

extension RequestFields: ExpressibleByDictionaryLiteral {
    /// Fields by name and value, for requests that come from elsewhere than a connection.
    package init(dictionaryLiteral elements: (String, String)...) {
        self.init(elements)
    }

    /// Fields by name and value, in their order.
    package init(_ elements: [(name: String, value: String)]) {
        var bytes: [UInt8] = []
        var fields: [Field] = []
        for (name, value) in elements {
            let start = bytes.count
            bytes += name.utf8
            let nameEnd = bytes.count
            bytes += value.utf8
            fields.append(Field(name: start..<nameEnd, value: nameEnd..<bytes.count))
        }
        self.init(fields, of: bytes)
    }
}

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
                    bytes[fields[index].value].split(separator: UInt8(ascii: ",")).contains { item in
                        let first = item.firstIndex { !$0.isBlank } ?? item.endIndex
                        let last = item.lastIndex { !$0.isBlank } ?? first
                        return first < item.endIndex
                            && Self.isEqual(UnsafeRawBufferPointer(rebasing: item[first...last]), option)
                    }
                }
        }
        return isListed
    }

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
                if Self.isEqual(UnsafeRawBufferPointer(rebasing: bytes[fields[index].name]), name) { return index }
                index += 1
            }
            return nil
        }
    }

    private static func isEqual(_ name: UnsafeRawBufferPointer, _ lowercase: StaticString) -> Bool {
        guard name.count == lowercase.utf8CodeUnitCount else { return false }
        // Of letters this is the lower case, and no other byte of a name becomes one of those that we ask for.
        for index in 0..<name.count where name[index] | 0x20 != lowercase.utf8Start[index] { return false }
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

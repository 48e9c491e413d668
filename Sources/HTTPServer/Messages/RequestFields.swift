import NIOCore

/// The header fields of a request as they came: names and values are ranges of the head's bytes, and become text when they
/// are asked for. Names are the same whatever the case of their letters.
package struct RequestFields: Sendable {
    /// Where a name and its value lie.
    struct Field {
        let name: Range<Int>
        let value: Range<Int>
    }

    /// From the first readable byte of which the ranges count.
    private let bytes: ByteBuffer
    private let fields: [Field]

    /// Fields that were found in a head's bytes.
    init(_ fields: [Field], of bytes: ByteBuffer) {
        self.fields = fields
        self.bytes = bytes
    }

    /// How many fields have this name, which is in lower case.
    package func count(of name: StaticString) -> Int {
        fields.count { isNamed($0, name) }
    }

    /// The value of the first field with this name, which is in lower case; nil where there is none.
    package func first(_ name: StaticString) -> String? {
        fields.first { isNamed($0, name) }.map(text)
    }

    /// The values of all fields with this name, which is in lower case, in their order.
    package func all(_ name: StaticString) -> [String] {
        fields.filter { isNamed($0, name) }.map(text)
    }

    private func text(_ field: Field) -> String {
        bytes.withUnsafeReadableBytes { String(decoding: $0[field.value], as: UTF8.self) }
    }

    private func isNamed(_ field: Field, _ name: StaticString) -> Bool {
        guard field.name.count == name.utf8CodeUnitCount else { return false }
        return bytes.withUnsafeReadableBytes { bytes in
            var expected = name.utf8Start
            for byte in bytes[field.name] {
                // Only of letters is this the lower case; but no other byte that a name may have becomes one of ours.
                guard byte | 0x20 == expected.pointee else { return false }
                expected += 1
            }
            return true
        }
    }
}

extension RequestFields: ExpressibleByDictionaryLiteral {
    /// Fields by name and value, for requests that come from elsewhere than a connection.
    package init(dictionaryLiteral elements: (String, String)...) {
        self.init(elements)
    }

    /// Fields by name and value, in their order.
    package init(_ elements: [(name: String, value: String)]) {
        var bytes = ByteBuffer()
        var fields: [Field] = []
        for (name, value) in elements {
            let start = bytes.writerIndex
            let nameEnd = start + bytes.writeString(name)
            fields.append(Field(name: start..<nameEnd, value: nameEnd..<nameEnd + bytes.writeString(value)))
        }
        self.init(fields, of: bytes)
    }
}

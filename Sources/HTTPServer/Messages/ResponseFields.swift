/// The header fields of a response, as the lines that go out.
package struct ResponseFields: Sendable, ExpressibleByDictionaryLiteral {
    /// `Name: value`, each with its line end.
    private(set) var lines: [UInt8] = []

    /// Fields by name and value, in their order.
    package init(dictionaryLiteral elements: (StaticString, String)...) {
        for (name, value) in elements { add(name, value) }
    }

    /// Adds a field. A control character in the value, which could end the line or the head, becomes a space.
    package mutating func add(_ name: StaticString, _ value: String) {
        lines.reserveCapacity(lines.count + name.utf8CodeUnitCount + value.utf8.count + 4)
        lines += UnsafeBufferPointer(start: name.utf8Start, count: name.utf8CodeUnitCount)
        lines += ": ".utf8
        let start = lines.count
        lines += value.utf8
        for index in start..<lines.count where lines[index] < 0x20 || lines[index] == 0x7F { lines[index] = 0x20 }
        lines += "\r\n".utf8
    }
}

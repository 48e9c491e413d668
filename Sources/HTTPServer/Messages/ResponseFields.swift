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
        lines.append(addingCapacity: name.utf8CodeUnitCount + value.utf8.count + 4) { lines in
            lines.withUnsafeMutableBufferPointer { memory, count in
                var output = ResponseEncoder.Output(UnsafeMutableRawBufferPointer(memory))
                output.append(name)
                output.append(": ")
                output.appendVisible(value)
                output.append("\r\n")
                count = output.count
            }
        }
    }
}

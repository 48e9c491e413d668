/// Memory reserved for JSON text, filled from its beginning.
struct JSONMemory {
    private let start: UnsafeMutableRawBufferPointer
    private(set) var count = 0

    /// Fills `memory`, whose owner has reserved enough.
    init(_ memory: UnsafeMutableRawBufferPointer) {
        start = memory
    }

    @inline(__always)
    mutating func append(_ byte: UInt8) {
        start[count] = byte
        count += 1
    }

    @inline(__always)
    mutating func append(_ text: JSONValueText) {
        precondition(count + text.count <= start.count, "the text is larger than was reserved for it")
        guard let base = start.baseAddress else { return }
        text.write(to: base + count)
        count += text.count
    }
}

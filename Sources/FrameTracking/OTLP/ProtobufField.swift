/// A field in bytes that were written by this process.
struct ProtobufField {
    let number: Int
    /// Where its value is.
    private(set) var value: Range<Int>

    /// The field that begins at `start`.
    init(at start: Int, in bytes: UnsafeRawBufferPointer) {
        var index = start
        func varint() -> Int {
            var (value, shift) = (0, 0)
            while bytes[index] >= 0x80 {
                value |= Int(bytes[index] & 0x7F) << shift
                shift += 7
                index += 1
            }
            value |= Int(truncatingIfNeeded: UInt64(bytes[index]) << UInt64(shift))
            index += 1
            return value
        }
        let tag = varint()
        number = tag >> 3
        switch tag & 7 {
        case 0:
            let first = index
            _ = varint()
            value = first..<index
        case 1: value = index..<index + 8
        case 5: value = index..<index + 4
        default:
            let length = varint()
            value = index..<index + length
        }
    }
}

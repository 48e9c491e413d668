/// A field with a length, in bytes that were written by this process.
struct ProtobufField {
    let number: UInt8
    /// Where its value is.
    let value: Range<Int>

    /// The field that begins at `start`; of a number below 16.
    init(at start: Int, in bytes: UnsafeRawBufferPointer) {
        number = bytes[start] >> 3
        var (index, length, shift) = (start + 1, 0, 0)
        while bytes[index] >= 0x80 {
            length |= Int(bytes[index] & 0x7F) << shift
            shift += 7
            index += 1
        }
        length |= Int(bytes[index]) << shift
        value = index + 1..<index + 1 + length
    }
}

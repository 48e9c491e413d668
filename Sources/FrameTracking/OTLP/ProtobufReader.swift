/// Reads the fields of a protobuf message one after the other; ends where they no longer make sense.
struct ProtobufReader: Sequence, IteratorProtocol {
    enum Value {
        case varint(UInt64)
        case bytes(ArraySlice<UInt8>)
        /// A number of fixed length, as its bytes.
        case fixed(ArraySlice<UInt8>)
    }

    private var rest: ArraySlice<UInt8>

    init(_ message: some Sequence<UInt8>) {
        rest = ArraySlice(message)
    }

    /// The next field: its number and its value.
    mutating func next() -> (UInt64, Value)? {
        guard let tag = readVarint() else { return nil }
        let value: Value? =
            switch tag & 7 {
            case 0: readVarint().map { .varint($0) }
            case 1: readBytes(8).map { .fixed($0) }
            case 2: readVarint().flatMap { readBytes($0) }.map { .bytes($0) }
            case 5: readBytes(4).map { .fixed($0) }
            default: nil
            }
        return value.map { (tag >> 3, $0) }
    }

    private mutating func readVarint() -> UInt64? {
        var value: UInt64 = 0
        for shift in stride(from: UInt64(0), to: 70, by: 7) {
            guard let byte = rest.popFirst() else { return nil }
            value |= UInt64(byte & 0x7F) << shift
            if byte < 0x80 { return value }
        }
        return nil
    }

    private mutating func readBytes(_ length: UInt64) -> ArraySlice<UInt8>? {
        guard length <= UInt64(rest.count) else { return nil }
        defer { rest = rest.dropFirst(Int(length)) }
        return rest.prefix(Int(length))
    }
}

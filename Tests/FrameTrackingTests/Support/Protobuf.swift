/// An independent reader of protobuf, which knows of a message only what its bytes say.
struct Protobuf {
    enum Value: Hashable {
        case varint(UInt64)
        case fixed64(UInt64)
        case fixed32(UInt32)
        case bytes([UInt8])
    }

    struct Malformed: Error {
        let offset: Int
    }

    private(set) var fields: [(number: Int, value: Value)] = []

    init(_ bytes: [UInt8]) throws {
        var offset = 0
        func varint() throws -> UInt64 {
            var value: UInt64 = 0
            var shift: UInt64 = 0
            while true {
                guard offset < bytes.count, shift < 64 else { throw Malformed(offset: offset) }
                let byte = bytes[offset]
                offset += 1
                value |= UInt64(byte & 0x7F) << shift
                if byte & 0x80 == 0 {
                    // A longer form than needed would be legal, but is not what an encoder should write.
                    guard byte != 0 || shift == 0 else { throw Malformed(offset: offset) }
                    return value
                }
                shift += 7
            }
        }
        func fixed(_ count: Int) throws -> UInt64 {
            guard offset + count <= bytes.count else { throw Malformed(offset: offset) }
            defer { offset += count }
            return bytes[offset..<offset + count].reversed().reduce(0) { $0 << 8 | UInt64($1) }
        }
        while offset < bytes.count {
            let tag = try varint()
            let value: Value
            switch tag & 7 {
            case 0: value = .varint(try varint())
            case 1: value = .fixed64(try fixed(8))
            case 5: value = .fixed32(UInt32(try fixed(4)))
            case 2:
                let length = Int(try varint())
                guard offset + length <= bytes.count else { throw Malformed(offset: offset) }
                value = .bytes(Array(bytes[offset..<offset + length]))
                offset += length
            default: throw Malformed(offset: offset)
            }
            fields.append((Int(tag >> 3), value))
        }
    }

    func values(_ number: Int) -> [Value] {
        fields.filter { $0.number == number }.map(\.value)
    }

    func number(_ field: Int) -> UInt64? {
        switch values(field).last {
        case .varint(let value), .fixed64(let value): value
        case .fixed32(let value): UInt64(value)
        default: nil
        }
    }

    func bytes(_ field: Int) -> [UInt8]? {
        if case .bytes(let bytes) = values(field).last { bytes } else { nil }
    }

    func text(_ field: Int) -> String? {
        bytes(field).map { String(decoding: $0, as: UTF8.self) }
    }

    func messages(_ field: Int) throws -> [Protobuf] {
        try values(field).compactMap { if case .bytes(let bytes) = $0 { try Protobuf(bytes) } else { nil } }
    }

    /// `KeyValue`s as texts, arrays in brackets.
    func attributes(_ field: Int) throws -> [String: String] {
        var attributes: [String: String] = [:]
        for pair in try messages(field) {
            let value = try pair.messages(2).last
            attributes[pair.text(1) ?? ""] = try value?.anyValue()
        }
        return attributes
    }

    private func anyValue() throws -> String {
        if let text = text(1) { return text }
        if let bool = number(2) { return bool == 1 ? "true" : "false" }
        if let int = number(3) { return "\(Int64(bitPattern: int))" }
        if let double = number(4) { return "\(Double(bitPattern: double))" }
        guard let array = try messages(5).last else { return "nothing" }
        return "[" + (try array.messages(1).map { try $0.anyValue() }).joined(separator: ",") + "]"
    }
}

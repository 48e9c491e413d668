import NIOCore

/// OTLP's messages in JSON, made of those in binary protobuf: the same names and values, what has its default left out (OTLP 1,
/// "JSON Protobuf Encoding").
enum OTLPJSON {
    static func encode(_ message: ByteBuffer, as type: OTLPMessage) -> ByteBuffer {
        encode(ArraySlice(message.readableBytesView), as: type)
    }

    static func encode(_ message: ArraySlice<UInt8>, as type: OTLPMessage) -> ByteBuffer {
        var json = JSONText(capacity: 2 * message.count)
        json.message(message, type)
        return json.finish()
    }
}

extension JSONText {
    fileprivate mutating func message(_ message: ArraySlice<UInt8>, _ type: OTLPMessage) {
        let present = Array(ProtobufReader(message))
        object { json in
            for field in type.fields {
                let values = present.filter { $0.0 == field.number }.map(\.1)
                guard let last = values.last else { continue }
                json.key(field.name)
                if case .messages(let type) = field.form {
                    json.array { json in
                        for value in values { json.value(value, .message(type)) }
                    }
                } else {
                    json.value(last, field.form)
                }
            }
        }
    }

    private mutating func value(_ value: ProtobufReader.Value, _ form: OTLPMessage.Form) {
        switch (form, value) {
        case (.text, .bytes(let bytes)): string(String(decoding: bytes, as: UTF8.self))
        case (.identifier, .bytes(let bytes)):
            string(bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined())
        case (.message(let type), .bytes(let bytes)): message(bytes, type)
        case (.bool, .varint(let value)): bool(value != 0)
        case (.number, .varint(let value)): number(value)
        case (.number, .fixed(let bytes)): number(Self.number(bytes))
        case (.double, .fixed(let bytes)): number(Double(bitPattern: Self.number(bytes)))
        case (.wideNumber, .fixed(let bytes)): wideNumber(Self.number(bytes))
        case (.wideNumber, .varint(let value)): wideNumber(Int64(bitPattern: value))
        // No message of ours has anything else there.
        default: string("")
        }
    }

    /// A number of fixed length, whose first byte is its lowest.
    private static func number(_ bytes: ArraySlice<UInt8>) -> UInt64 {
        bytes.reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }
}

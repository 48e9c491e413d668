/// A name in a JSON text as a key: equal to another that says the same with other escapes.
struct JSONName: Hashable {
    let text: JSONText
    let bytes: RawText

    @inline(__always)
    static func == (left: JSONName, right: JSONName) -> Bool {
        left.text.isAsLong(as: right.text) && left.hasSameBytes(as: right)
    }

    func hash(into hasher: inout Hasher) {
        text.withUnescaped(in: bytes) { hasher.combine(bytes: $0.buffer) }
    }

    private func hasSameBytes(as other: JSONName) -> Bool {
        if !text.hasEscapes, !other.text.hasEscapes {
            return ByteName.areEqual(text.raw(in: bytes), other.text.raw(in: other.bytes))
        }
        return text.withUnescaped(in: bytes) { name in
            other.text.withUnescaped(in: other.bytes) { ByteName.areEqual(name, $0) }
        }
    }
}

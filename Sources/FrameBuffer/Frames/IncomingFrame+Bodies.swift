package import NIOCore

extension IncomingFrame {
    /// Reads a body of one JSON object, whose members are the fields.
    package static func json(
        _ body: ByteBuffer,
        limits: FrameLimits = FrameLimits()
    ) throws(FrameError) -> IncomingFrame {
        var builder = IncomingFrameBuilder(body, limits: limits)
        try body.withUnsafeReadableBytes { bytes throws(FrameError) in
            var scanner = JSONScanner(bytes, limits: limits)
            var members: [JSONMember] = []
            members.reserveCapacity(16)
            scanner.skipBlanks()
            try scanner.scanObject(into: &members)
            try scanner.finish()
            try builder.add(members, in: RawText(bytes))
            try builder.decodePayload(in: RawText(bytes))
        }
        return IncomingFrame(consume builder)
    }

    /// Takes a body as the payload, byte for byte, with the fields that came beside it.
    ///
    /// - Parameters:
    ///   - contentType: the request's; stored as it is, and left out where it is empty.
    ///   - fields: names and values from the query or from headers; `data` and `content_type` are not among them.
    package static func raw(
        _ body: ByteBuffer,
        contentType: String,
        fields: [(name: String, value: String)],
        limits: FrameLimits = FrameLimits()
    ) throws(FrameError) -> IncomingFrame {
        guard body.readableBytes > 0 else {
            throw FrameError(.emptyPayload, "the payload is empty", at: nil)
        }
        var builder = IncomingFrameBuilder(body, limits: limits)
        for (name, value) in fields {
            try builder.add(builder.text { $0.writeString(name) }, builder.text { $0.writeString(value) }, at: nil)
        }
        if !contentType.isEmpty {
            let name = builder.text { $0.writeStaticString(FrameField.contentType.name) }
            try builder.add(name, builder.text { $0.writeString(contentType) }, at: nil)
        }
        try builder.addBodyAsPayload()
        try builder.refuseRepeatedNames()
        return IncomingFrame(consume builder)
    }

    /// Reads an `application/x-www-form-urlencoded` body (URL Standard, section 5.1), whose pairs are the fields.
    ///
    /// Stricter than a browser's reading: a `%` needs its two digits, and a name stands once.
    package static func form(
        _ body: ByteBuffer,
        limits: FrameLimits = FrameLimits()
    ) throws(FrameError) -> IncomingFrame {
        var builder = IncomingFrameBuilder(body, limits: limits)
        try body.withUnsafeReadableBytes { bytes throws(FrameError) in
            for pair in bytes.split(separator: UInt8(ascii: "&")) {
                let end = pair.firstIndex(of: UInt8(ascii: "=")) ?? pair.endIndex
                let name = try formDecoded(pair[..<end])
                let value = try formDecoded(pair[end...].dropFirst())
                try builder.add(
                    builder.text { $0.writeBytes(name) },
                    builder.text { $0.writeBytes(value) },
                    at: pair.startIndex
                )
            }
            guard !builder.isEmpty else { throw FrameError(.empty, "the form has no fields", at: 0) }
            try builder.refuseRepeatedNames()
            try builder.decodePayload(in: RawText(bytes))
        }
        return IncomingFrame(consume builder)
    }

    /// Whether a body that came as a form is JSON, as `curl -d` sends it unasked: it begins with `{` or `[`.
    package static func formIsJSON(_ body: ByteBuffer) -> Bool {
        let first = firstByte(of: body)
        return first == UInt8(ascii: "{") || first == UInt8(ascii: "[")
    }

    /// The first byte that is no blank of JSON's; nil where there is none.
    static func firstByte(of body: ByteBuffer) -> UInt8? {
        body.withUnsafeReadableBytes { bytes in
            bytes.first {
                switch $0 {
                case UInt8(ascii: " "), UInt8(ascii: "\t"), UInt8(ascii: "\r"), UInt8(ascii: "\n"): false
                default: true
                }
            }
        }
    }

    private static func formDecoded(_ text: Slice<UnsafeRawBufferPointer>) throws(FrameError) -> [UInt8] {
        var decoded: [UInt8] = []
        decoded.reserveCapacity(text.count)
        var index = text.startIndex
        while index < text.endIndex {
            switch text[index] {
            case UInt8(ascii: "+"):
                decoded.append(UInt8(ascii: " "))
            case UInt8(ascii: "%"):
                guard index + 2 < text.endIndex, let high = HexDigit.value(text[index + 1]),
                    let low = HexDigit.value(text[index + 2])
                else {
                    throw FrameError(.invalidPercentEncoding, "a '%' needs two hexadecimal digits", at: index)
                }
                decoded.append(high << 4 | low)
                index += 2
            case let byte:
                decoded.append(byte)
            }
            index += 1
        }
        return decoded
    }
}

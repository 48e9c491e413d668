package import NIOCore

extension IncomingFrame {
    /// Reads a `multipart/form-data` body: its file, whatever the field is called, is the payload, with its type; the other
    /// parts are fields. A file input that was left empty is none.
    ///
    /// - Parameter boundary: the parameter of the request's `Content-Type`.
    package static func multipart(
        _ body: ByteBuffer,
        boundary: String,
        limits: FrameLimits = FrameLimits()
    ) throws(FrameError) -> IncomingFrame {
        var builder = IncomingFrameBuilder(body, limits: limits)
        try body.withUnsafeReadableBytes { bytes throws(FrameError) in
            let bytes = RawText(bytes)
            var scanner = try MultipartScanner(bytes, boundary: boundary)
            var hasFile = false
            var parts = 0
            while let part = try scanner.next() {
                // Parts that become no field are work too.
                parts += 1
                if parts > limits.fields {
                    throw FrameError(.tooManyFields, "there are more than \(limits.fields) parts", at: part.offset)
                }
                let content = Location(.body, part.content)
                guard let fileName = part.fileName else {
                    try builder.add(builder.text { $0.writeBytes(part.name) }, content, in: bytes, at: part.offset)
                    continue
                }
                if part.content.isEmpty {
                    if fileName.isEmpty { continue }
                    throw FrameError(.emptyPayload, "the file is empty", at: part.offset)
                }
                if hasFile {
                    throw FrameError(
                        .invalidMultipart,
                        "there is more than one file; a frame has one payload",
                        at: part.offset
                    )
                }
                hasFile = true
                try builder.add(
                    builder.text { $0.writeStaticString(FrameField.data.name) },
                    content,
                    in: bytes,
                    at: part.offset
                )
                if let type = part.contentType {
                    let name = builder.text { $0.writeStaticString(FrameField.contentType.name) }
                    try builder.add(name, Location(.body, type), in: bytes, at: part.offset)
                }
            }
            guard !builder.isEmpty else { throw FrameError(.empty, "the form has no fields", at: 0) }
            try builder.refuseRepeatedNames()
            try builder.decodePayload(in: bytes)
        }
        return IncomingFrame(consume builder)
    }
}

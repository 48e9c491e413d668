import NIOCore

/// Gathers the fields of an `IncomingFrame`, whatever they came in: what holds for all frames is held to here.
struct IncomingFrameBuilder {
    let limits: FrameLimits
    let body: ByteBuffer
    /// Texts that are not stored as they stand in the body.
    private(set) var texts = ByteBuffer()
    private(set) var fields: [IncomingFrame.Field] = []
    private(set) var frameID: String?
    private(set) var cameraID: String?
    private(set) var entryContext = IncomingFrame.EntryContext()

    /// The names of fields that did not come in JSON, and where those stand.
    private var names: [(name: IncomingFrame.Location, offset: Int?)] = []

    /// Whether nothing was added that did not come in JSON.
    var isEmpty: Bool { names.isEmpty }

    init(_ body: ByteBuffer, limits: FrameLimits) {
        self.body = body
        self.limits = limits
    }

    /// What stands for the body where no text lies in it.
    private var none: RawText { ("" as StaticString).bytes }

    // MARK: Fields

    /// Adds the members of the JSON object that `bytes`, the body, is.
    mutating func add(_ members: [JSONMember], in bytes: RawText) throws(FrameError) {
        fields.reserveCapacity(members.count)
        var escaped = 0
        for member in members {
            if member.name.hasEscapes { escaped += member.name.unescapedCount }
            if member.value.hasEscapes { escaped += member.value.unescapedCount }
        }
        if escaped > 0 { texts.reserveCapacity(escaped) }
        for member in members {
            try add(
                location(of: member.name, in: bytes),
                location(of: member.value, in: bytes),
                member.kind,
                in: bytes,
                at: (member.name.range.lowerBound - 1, member.extent.lowerBound)
            )
        }
    }

    /// Adds a field that did not come in JSON; `offset` is where it stands in the body. Its name is one of the `texts`;
    /// its value may be a part of `bytes`, the body.
    mutating func add(
        _ name: IncomingFrame.Location,
        _ value: IncomingFrame.Location,
        in bytes: RawText? = nil,
        at offset: Int?
    ) throws(FrameError) {
        if names.count == limits.fields {
            throw FrameError(.tooManyFields, "there are more than \(limits.fields) fields", at: offset)
        }
        if name.count > limits.fieldName {
            throw FrameError(.fieldNameTooLong, "a field's name is longer than \(limits.fieldName) bytes", at: offset)
        }
        if !read(name, in: none, UTF8Text.isValid) {
            throw FrameError(.invalidUTF8, "a field's name is not UTF-8", at: offset)
        }
        names.append((name, offset))
        try add(name, value, .string, in: bytes ?? none, at: offset.map { (name: $0, value: $0) })
    }

    /// Adds the whole body as `data`.
    mutating func addBodyAsPayload() throws(FrameError) {
        let name = text { $0.writeStaticString(FrameField.data.name) }
        try add(name, IncomingFrame.Location(.body, 0..<body.readableBytes), at: nil)
    }

    /// Keeps a text that the body does not have.
    mutating func text(_ write: (inout ByteBuffer) -> Void) -> IncomingFrame.Location {
        let start = texts.writerIndex
        write(&texts)
        return IncomingFrame.Location(.texts, start..<texts.writerIndex)
    }

    /// Refuses a name that stood before among those of fields that did not come in JSON; the scanner does so for JSON.
    func refuseRepeatedNames() throws(FrameError) {
        try texts.withUnsafeReadableBytes { bytes throws(FrameError) in
            func name(_ index: Int) -> RawText { RawText(bytes)[names[index].name.range] }
            if let index = RepeatedName.firstIndex(names.count, name: { ByteName(bytes: name($0)) }) {
                let text = name(index).string
                throw FrameError(.duplicateField, "the name '\(text)' stands twice", at: names[index].offset)
            }
        }
    }

    @inline(__always)
    private mutating func location(of text: JSONText, in bytes: RawText) -> IncomingFrame.Location {
        text.hasEscapes ? unescaped(text, in: bytes) : IncomingFrame.Location(.body, text.range)
    }

    private mutating func unescaped(_ text: JSONText, in bytes: RawText) -> IncomingFrame.Location {
        let count = text.unescapedCount
        let start = texts.writerIndex
        texts.writeWithUnsafeMutableBytes(minimumWritableBytes: count) { memory in
            text.unescape(in: bytes, into: UnsafeMutableRawBufferPointer(rebasing: memory[..<count]))
            return count
        }
        return IncomingFrame.Location(.texts, start..<start + count)
    }

    /// Adds a field, which is judged by its name.
    ///
    /// - Parameters:
    ///   - bytes: the body, for a name or value that stands there.
    ///   - offsets: where they stand in the body, for errors.
    @inline(__always)
    private mutating func add(
        _ name: IncomingFrame.Location,
        _ value: IncomingFrame.Location,
        _ kind: JSONMember.Kind,
        in bytes: RawText,
        at offsets: (name: Int, value: Int)?
    ) throws(FrameError) {
        var kind = kind
        let known = read(name, in: bytes, FrameField.init)
        switch known {
        case nil:
            break
        case .json, .dead:
            let name = read(name, in: bytes) { $0.string }
            throw FrameError(.reservedField, "the name '\(name)' is the service's own", at: offsets?.name)
        case .frameID:
            frameID = try identifier("frame_id", value, kind, in: bytes, at: offsets?.value)
            return
        case .cameraID:
            cameraID = try identifier("camera_id", value, kind, in: bytes, at: offsets?.value)
            if kind == .number { kind = .string }
        case .entryTraceparent:
            entryContext.traceparent = kind == .string ? value : nil
            return
        case .entryTracestate:
            entryContext.tracestate = kind == .string ? value : nil
            return
        case .entryBaggage:
            entryContext.baggage = kind == .string ? value : nil
            return
        default:
            break
        }
        fields.append(IncomingFrame.Field(name: name, value: value, kind: kind, known: known))
    }

    /// A `frame_id` or `camera_id`; nil where it is null or empty.
    private func identifier(
        _ name: StaticString,
        _ value: IncomingFrame.Location,
        _ kind: JSONMember.Kind,
        in bytes: RawText,
        at offset: Int?
    ) throws(FrameError) -> String? {
        let fault: String
        switch kind {
        case .null:
            return nil
        case .string, .number:
            if value.count == 0 { return nil }
            if value.count > limits.identifier {
                fault = "is longer than \(limits.identifier) bytes"
            } else if read(value, in: bytes, UTF8Text.isPrintableASCII) {
                return read(value, in: bytes) { $0.string }
            } else if !read(value, in: bytes, UTF8Text.isValid) {
                fault = "is not UTF-8"
            } else if read(value, in: bytes, UTF8Text.hasControlCharacter) {
                fault = "has a control character"
            } else {
                return read(value, in: bytes) { $0.string }
            }
        case .bool, .object, .array:
            fault = "is neither a text nor a number"
        }
        throw FrameError(.invalidIdentifier, "\(name) \(fault)", at: offset)
    }

    @inline(__always)
    private func read<Result>(
        _ location: IncomingFrame.Location,
        in bytes: RawText,
        _ body: (RawText) -> Result
    ) -> Result {
        switch location.source {
        case .body: body(bytes[location.range])
        case .texts: texts.withUnsafeReadableBytes { body(RawText($0)[location.range]) }
        }
    }

    // MARK: The payload

    /// Puts the bytes that `data` stands for in its place, where `data_encoding` says that it is base64.
    mutating func decodePayload(in bytes: RawText) throws(FrameError) {
        guard let encoding = fields.firstIndex(where: { $0.known == .dataEncoding && $0.kind == .string }),
            let data = fields.firstIndex(where: { $0.known == .data && $0.kind == .string })
        else { return }
        // The text may lie in the very buffer that its bytes are written to.
        let source = texts
        let encoded = fields[data].value
        let start = texts.writerIndex
        let decoded = try source.withUnsafeReadableBytes { source throws(FrameError) -> Int? in
            let memory = IncomingFrame.Memory(body: bytes, texts: RawText(source))
            guard ByteName.areEqual(memory[fields[encoding].value], ("base64" as StaticString).bytes) else {
                return nil
            }
            let text = memory[encoded].buffer
            let count = Base64.decodedCount(text)
            do throws(Base64.Invalid) {
                return try texts.writeWithUnsafeMutableBytes(minimumWritableBytes: count) {
                    room throws(Base64.Invalid) in
                    try Base64.decode(text, into: UnsafeMutableRawBufferPointer(rebasing: room[..<count]))
                    return count
                }
            } catch {
                // Where the text had escapes, the place in it is not the place in the body.
                let offset = encoded.source == .body ? Int(encoded.start) + error.offset : nil
                throw FrameError(.invalidBase64, "data is not base64 at its character \(error.offset)", at: offset)
            }
        }
        guard let decoded else { return }
        fields[data].value = IncomingFrame.Location(.texts, start..<start + decoded)
        fields.remove(at: encoding)
    }
}

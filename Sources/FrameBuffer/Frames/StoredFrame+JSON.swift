package import NIOCore

extension StoredFrame {
    /// Appends the frame as a JSON object: strings escaped, JSON as it stands, the entry's trace context replaced by
    /// `context` (left out where that is nil).
    ///
    /// What is UTF-8 comes as a string, a payload too and whatever its media type: a string loses nothing, and is a
    /// quarter shorter than base64. Else it comes as base64: of `data` the member `data_encoding` says so, other fields
    /// are listed in `_base64`, and in `_base64_names` those whose name itself is base64. A field that has the name of
    /// a list gives way to it. Without `hasPayload` the payload is left out.
    package func writeJSON(into buffer: inout ByteBuffer, context: OutgoingContext?, hasPayload: Bool = true) {
        var traceparent = context?.traceparent ?? ""
        traceparent.withUTF8 { traceparent in
            let traceContext = rewrittenTraceContext(context)
            traceContext.withUnsafeReadableBytes { traceContext in
                withUnsafeTemporaryAllocation(of: Member.self, capacity: fields.count) { memory in
                    var members = Members(memory)
                    for field in fields {
                        switch field.known {
                        case .json, .entryTraceparent, .entryTracestate, .entryBaggage:
                            continue
                        case .data where !hasPayload:
                            continue
                        case .traceparent where context?.rewriting.contains(.traceparent) == true:
                            members.add(field, JSONValueText(string: RawText(UnsafeRawBufferPointer(traceparent))))
                        case .traceContext where !traceContext.isEmpty:
                            members.add(field, JSONValueText(field, RawText(traceContext)))
                        default:
                            members.add(field, JSONValueText(field, field.value))
                        }
                    }
                    members.write(into: &buffer, context: context)
                }
            }
        }
    }

    /// The frame's own `trace_context` as it leaves; empty where it stays as it is.
    private func rewrittenTraceContext(_ context: OutgoingContext?) -> ByteBuffer {
        guard let context, context.rewriting.contains(.traceContext), let field = field(.traceContext)
        else { return ByteBuffer() }
        return TraceContextObject(field.value)?.rewritten(with: context) ?? ByteBuffer()
    }

    /// A field as it will stand in the object.
    private struct Member {
        let name: JSONValueText
        let value: JSONValueText
        let known: FrameField?

        var isNamedAsList: Bool { known == .base64 || known == .base64Names }
    }

    /// The members of the object, measured; then written in one reservation.
    private struct Members {
        private let memory: UnsafeMutableBufferPointer<Member>
        private var count = 0
        private var hasEncoding = false
        /// Whether a name, or a value other than that of `data`, is base64.
        private var hasBase64Names = false
        private var hasBase64Values = false
        private var hasBase64Data = false

        /// Keeps the members in `memory`, which is uninitialized and has room for all of them.
        init(_ memory: UnsafeMutableBufferPointer<Member>) {
            self.memory = memory
        }

        mutating func add(_ field: Field, _ value: JSONValueText) {
            let member = Member(name: JSONValueText(nameOf: field), value: value, known: field.known)
            memory.initializeElement(at: count, to: member)
            count += 1
            if field.known == .dataEncoding { hasEncoding = true }
            if member.name.form == .base64 { hasBase64Names = true }
            guard value.form == .base64 else { return }
            if field.known == .data { hasBase64Data = true } else { hasBase64Values = true }
        }

        func write(into buffer: inout ByteBuffer, context: OutgoingContext?) {
            let members = memory[..<count]
            // Where the frame has a `data_encoding` of its own, its `data` is listed as any other field.
            let listsData = hasBase64Data && hasEncoding
            let listsValues = hasBase64Values || listsData
            let hasLists = listsValues || hasBase64Names
            // Braces and `data_encoding`; the members, whose names may be listed twice; the context, most of it escaped.
            var size = 64
            for member in members { size += JSONMemory.size(member.name, member.value.count) }
            if hasLists { for member in members { size += 2 * JSONMemory.size(member.name, 0) } }
            context?.forEachEntryField { size += $0.name.utf8CodeUnitCount + 6 * $1.utf8.count + 8 }
            buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: size) { memory in
                guard let start = memory.baseAddress else { return 0 }
                var json = JSONMemory(start, room: memory.count)
                json.open(nil, "{")
                for member in members where !(hasLists && member.isNamedAsList) {
                    json.append(member.name, member.value)
                }
                if hasBase64Data, !listsData {
                    json.append(
                        JSONValueText(plain: FrameField.dataEncoding.name.bytes),
                        JSONValueText(plain: ("base64" as StaticString).bytes)
                    )
                }
                if listsValues {
                    Self.list(.base64, in: &json, members) {
                        $0.value.form == .base64 && (listsData || $0.known != .data)
                    }
                }
                if hasBase64Names { Self.list(.base64Names, in: &json, members) { $0.name.form == .base64 } }
                context?.forEachEntryField { field, value in
                    var value = value
                    value.withUTF8 {
                        let text = RawText(UnsafeRawBufferPointer($0))
                        json.append(
                            JSONValueText(plain: field.name.bytes),
                            field == .entryTraceparent ? JSONValueText(plain: text) : JSONValueText(string: text)
                        )
                    }
                }
                json.close("}")
                return json.count
            }
        }

        private static func list(
            _ field: FrameField,
            in json: inout JSONMemory,
            _ members: Slice<UnsafeMutableBufferPointer<Member>>,
            _ isListed: (Member) -> Bool
        ) {
            json.open(JSONValueText(plain: field.name.bytes), "[")
            for member in members where isListed(member) { json.append(nil, member.name) }
            json.close("]")
        }
    }
}

extension JSONValueText {
    /// A field's name. Those that are known have nothing to escape, but for what follows a dead letter's prefix.
    fileprivate init(nameOf field: StoredFrame.Field) {
        switch field.known {
        case nil, .dead: self.init(string: field.name)
        default: self.init(plain: field.name)
        }
    }

    /// A value in the field's own form.
    fileprivate init(_ field: StoredFrame.Field, _ value: RawText) {
        if field.isJSON { self.init(json: value) } else { self.init(string: value) }
    }
}

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
            let member = Member(name: JSONValueText(string: field.name), value: value, known: field.known)
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
            let size = members.reduce(2) { $0 + $1.name.count + $1.value.count + 2 }
            var needsComma = false
            buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: size) { memory in
                var memory = JSONMemory(memory)
                memory.append(UInt8(ascii: "{"))
                for member in members where !(hasLists && member.isNamedAsList) {
                    if needsComma { memory.append(UInt8(ascii: ",")) }
                    memory.append(member.name)
                    memory.append(UInt8(ascii: ":"))
                    memory.append(member.value)
                    needsComma = true
                }
                return memory.count
            }
            func append(_ name: StaticString, _ value: JSONValueText) {
                buffer.writeJSON(name: JSONValueText(plain: name), value, comma: needsComma)
                needsComma = true
            }
            func list(_ name: StaticString, _ isListed: (Member) -> Bool) {
                append(name, JSONValueText(json: ("[" as StaticString).bytes))
                needsComma = false
                for member in members where isListed(member) {
                    buffer.writeJSON(name: nil, member.name, comma: needsComma)
                    needsComma = true
                }
                buffer.writeStaticString("]")
                needsComma = true
            }
            if hasBase64Data, !listsData { append(FrameField.dataEncoding.name, JSONValueText(plain: "base64")) }
            if listsValues {
                list(FrameField.base64.name) { $0.value.form == .base64 && (listsData || $0.known != .data) }
            }
            if hasBase64Names { list(FrameField.base64Names.name) { $0.name.form == .base64 } }
            context?.forEachEntryField { field, value in
                var value = value
                value.withUTF8 { append(field.name, JSONValueText(string: RawText(UnsafeRawBufferPointer($0)))) }
            }
            buffer.writeStaticString("}")
        }
    }
}

extension JSONValueText {
    /// A value in the field's own form.
    fileprivate init(_ field: StoredFrame.Field, _ value: RawText) {
        if field.isJSON { self.init(json: value) } else { self.init(string: value) }
    }
}

package import NIOCore

/// Writes JSON straight into a `ByteBuffer`: the replies of the service.
///
/// Commas are its own affair; that names are not repeated is the caller's. Each member is one reservation.
///
/// ```swift
/// var writer = JSONWriter(context.channel.allocator.buffer(capacity: 256))
/// writer.object {
///     $0.member("status", "enqueued")
///     $0.member("queue_size", 17)
/// }
/// send(writer.buffer)
/// ```
package struct JSONWriter {
    /// What was there before, and the text so far.
    package private(set) var buffer: ByteBuffer
    private var needsComma = false

    /// A writer that begins a text of its own, with room for a short reply.
    package init() {
        buffer = ByteBufferAllocator().buffer(capacity: 512)
    }

    /// A writer that appends to `buffer`.
    package init(_ buffer: consuming ByteBuffer) {
        self.buffer = buffer
    }

    // MARK: Members of an object

    /// Appends a member; `name` must need no escapes.
    package mutating func member(_ name: StaticString, _ value: String) {
        string(name, value)
    }

    /// Appends a member, `null` where there is no value; `name` must need no escapes.
    package mutating func member(_ name: StaticString, _ value: String?) {
        if let value { string(name, value) } else { literal(name, "null") }
    }

    /// Appends a member; `name` must need no escapes.
    package mutating func member(_ name: StaticString, _ value: Int) {
        integer(name, value)
    }

    /// Appends a member, `null` where there is no value; `name` must need no escapes.
    package mutating func member(_ name: StaticString, _ value: Int?) {
        if let value { integer(name, value) } else { literal(name, "null") }
    }

    /// Appends the text of a message id as a member; `name` must need no escapes.
    package mutating func member(_ name: StaticString, _ value: StreamID) {
        value.withText { append(name, JSONValueText(string: RawText($0))) }
    }

    /// Appends a member, `null` where JSON has no such number; `name` must need no escapes.
    package mutating func member(_ name: StaticString, _ value: Double) {
        guard value.isFinite else { return literal(name, "null") }
        var digits = value.description
        digits.withUTF8 { append(name, JSONValueText(json: RawText(UnsafeRawBufferPointer($0)))) }
    }

    /// Appends a member; `name` must need no escapes.
    package mutating func member(_ name: StaticString, _ value: Bool) {
        literal(name, value ? "true" : "false")
    }

    /// Appends an object as a member; `name` must need no escapes.
    package mutating func object(_ name: StaticString, _ members: (inout JSONWriter) -> Void) {
        container(name, "{", "}", members)
    }

    /// Appends an array as a member; `name` must need no escapes.
    package mutating func array(_ name: StaticString, _ elements: (inout JSONWriter) -> Void) {
        container(name, "[", "]", elements)
    }

    /// Appends a member whose value `write` appends to the buffer as JSON; `name` must need no escapes.
    package mutating func member(_ name: StaticString, _ write: (inout ByteBuffer) -> Void) {
        literal(name, "")
        write(&buffer)
    }

    // MARK: Elements of an array, and the outermost value

    /// Appends a string.
    package mutating func element(_ value: String) {
        string(nil, value)
    }

    /// Appends a number.
    package mutating func element(_ value: Int) {
        integer(nil, value)
    }

    /// Appends an object.
    package mutating func object(_ members: (inout JSONWriter) -> Void) {
        container(nil, "{", "}", members)
    }

    /// Appends an array.
    package mutating func array(_ elements: (inout JSONWriter) -> Void) {
        container(nil, "[", "]", elements)
    }

    // MARK: Writing

    private mutating func container(
        _ name: StaticString?,
        _ opening: StaticString,
        _ closing: StaticString,
        _ content: (inout JSONWriter) -> Void
    ) {
        literal(name, opening)
        needsComma = false
        content(&self)
        buffer.writeStaticString(closing)
        needsComma = true
    }

    private mutating func string(_ name: StaticString?, _ value: String) {
        var value = value
        value.withUTF8 { append(name, JSONValueText(string: RawText(UnsafeRawBufferPointer($0)))) }
    }

    private mutating func integer(_ name: StaticString?, _ value: Int) {
        withUnsafeTemporaryAllocation(byteCount: 1 + DecimalText.maximumCount, alignment: 1) { memory in
            guard let start = memory.baseAddress else { return }
            start.storeBytes(of: UInt8(ascii: "-"), as: UInt8.self)
            let sign = value < 0 ? 1 : 0
            let count = sign + DecimalText.write(UInt64(value.magnitude), to: start + sign)
            append(name, JSONValueText(json: RawText(UnsafeRawBufferPointer(rebasing: memory[..<count]))))
        }
    }

    private mutating func literal(_ name: StaticString?, _ text: StaticString) {
        append(name, JSONValueText(json: text.bytes))
    }

    private mutating func append(_ name: StaticString?, _ value: JSONValueText) {
        buffer.writeJSON(name: name.map(JSONValueText.init(plain:)), value, comma: needsComma)
        needsComma = true
    }
}

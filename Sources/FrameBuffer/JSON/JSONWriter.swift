package import NIOCore

/// Writes JSON for a `ByteBuffer`: the replies of the service.
///
/// Commas are its own affair; that names are not repeated is the caller's. Each member is one reservation.
///
/// It is gathered in memory of its own, as a write to a `ByteBuffer` takes several times as long.
///
/// ```swift
/// var writer = JSONWriter()
/// writer.object {
///     $0.member("status", "enqueued")
///     $0.member("queue_size", 17)
/// }
/// send(writer.finish())
/// ```
package struct JSONWriter: ~Copyable {
    /// What was there before, and the text up to the end of a value that its owner wrote.
    private var buffer: ByteBuffer
    /// The text behind that.
    private var text: JSONMemory

    /// A writer that appends to `buffer`.
    package init(_ buffer: consuming ByteBuffer = ByteBuffer()) {
        self.buffer = buffer
        text = JSONMemory(room: 512)
    }

    deinit { text.deallocate() }

    /// What was there before, and the text.
    package consuming func finish() -> ByteBuffer {
        flush()
        return buffer
    }

    private mutating func flush() {
        // To grow from nothing takes longer.
        if buffer.capacity == 0 { buffer = ByteBufferAllocator().buffer(capacity: text.count) }
        buffer.writeBytes(text.bytes)
        text.removeAll()
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
        value.withText { append(name, JSONValueText(plain: RawText($0))) }
    }

    /// Appends a member, `null` where JSON has no such number; `name` must need no escapes.
    package mutating func member(_ name: StaticString, _ value: Double) {
        guard value.isFinite else { return literal(name, "null") }
        value.description.withRawText { append(name, JSONValueText(json: $0)) }
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
        flush()
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
        text.needsComma = false
        content(&self)
        text.needsComma = false
        literal(nil, closing)
    }

    private mutating func string(_ name: StaticString?, _ value: String) {
        value.withRawText { append(name, JSONValueText(string: $0)) }
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

    mutating func literal(_ name: StaticString?, _ text: StaticString) {
        append(name, JSONValueText(json: text.bytes))
    }

    mutating func append(_ name: StaticString?, _ value: JSONValueText) {
        let name = name.map { JSONValueText(plain: $0.bytes) }
        text.reserve(JSONMemory.size(name, value.count))
        text.append(name, value)
    }
}

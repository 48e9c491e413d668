/// Memory for JSON text, filled from its beginning. It sets the commas.
struct JSONMemory {
    /// Whether a comma belongs before the next member or element.
    var needsComma = false

    private var start: UnsafeMutableRawPointer
    private var end: UnsafeMutableRawPointer
    private var next: UnsafeMutableRawPointer

    /// Fills the `room` bytes from `start` on, which are enough.
    init(_ start: UnsafeMutableRawPointer, room: Int) {
        self.start = start
        end = start + room
        next = start
    }

    /// How many bytes were written.
    var count: Int { next - start }

    // MARK: Members and elements

    /// How many bytes a member takes at most whose value has `value` of them, or without a name an element.
    @inline(__always)
    static func size(_ name: JSONValueText?, _ value: Int) -> Int {
        (name?.count ?? 0) + value + 2
    }

    /// Appends a member, or without a name an element.
    @inline(__always)
    mutating func append(_ name: JSONValueText?, _ value: JSONValueText) {
        precondition(end - next >= Self.size(name, value.count), "the text is larger than was reserved for it")
        if needsComma { put(UInt8(ascii: ",")) }
        if let name {
            put(name)
            put(UInt8(ascii: ":"))
        }
        put(value)
        needsComma = true
    }

    /// Begins an object or an array.
    mutating func open(_ name: JSONValueText?, _ bracket: StaticString) {
        append(name, JSONValueText(json: bracket.bytes))
        needsComma = false
    }

    /// Ends an object or an array.
    mutating func close(_ bracket: StaticString) {
        needsComma = false
        append(nil, JSONValueText(json: bracket.bytes))
    }

    // What follows leaves commas to its caller.

    @inline(__always)
    mutating func put(_ byte: UInt8) {
        precondition(next < end, "the text is larger than was reserved for it")
        next.storeBytes(of: byte, as: UInt8.self)
        next += 1
    }

    @inline(__always)
    mutating func put(_ text: JSONValueText) {
        precondition(end - next >= text.count, "the text is larger than was reserved for it")
        text.write(to: next)
        next += text.count
    }

    // MARK: Memory of its own

    /// Allocates the memory, which its owner is to ``deallocate()``.
    init(room: Int) {
        self.init(.allocate(byteCount: room, alignment: 1), room: room)
    }

    func deallocate() {
        start.deallocate()
    }

    /// What was written.
    var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: start, count: count) }

    /// Makes room for so many bytes more.
    @inline(__always)
    mutating func reserve(_ size: Int) {
        if end - next < size { grow(size) }
    }

    private mutating func grow(_ size: Int) {
        var grown = JSONMemory(room: max(2 * (end - start), count + size))
        grown.next.copyMemory(from: start, byteCount: count)
        grown.next += count
        grown.needsComma = needsComma
        deallocate()
        self = grown
    }

    mutating func removeAll() {
        next = start
    }
}

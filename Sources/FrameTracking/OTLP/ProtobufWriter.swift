/// Writes protobuf's wire format into memory that was set aside for it.
///
/// Running out of room is no error: it is noted in ``hasOverflowed``, and whoever writes starts again with more. So
/// there is one pass over the data, one check a write, and no growing of buffers in between.
struct ProtobufWriter: ~Copyable {
    /// Whether something did not fit.
    private(set) var hasOverflowed = false

    private let start: UnsafeMutableRawPointer
    private let end: UnsafeMutableRawPointer
    /// Where the next byte goes.
    private var next: UnsafeMutableRawPointer

    /// Writes to the `room` bytes from `start` on.
    init(to start: UnsafeMutableRawPointer, room: Int) {
        self.start = start
        end = start + room
        next = start
    }

    /// How many bytes were written; meaningless after an overflow.
    var count: Int { next - start }

    // MARK: Fields

    /// A number of variable length; left out if zero, as proto3 has it.
    mutating func varint(_ field: UInt8, _ value: UInt64) {
        guard value != 0, reserve(11) else { return }
        putNumber(field, value)
    }

    mutating func fixed64(_ field: UInt8, _ value: UInt64) {
        guard reserve(9) else { return }
        put(field << 3 | 1)
        putWord(value)
    }

    mutating func fixed32(_ field: UInt8, _ value: UInt32) {
        guard reserve(5) else { return }
        put(field << 3 | 5)
        putHalf(value)
    }

    /// The same for fields from 16 to 127, whose tags have two bytes.
    mutating func fixed32(wide field: UInt8, _ value: UInt32) {
        guard reserve(6) else { return }
        put(field << 3 | 5 | 0x80)
        put(field >> 4)
        putHalf(value)
    }

    /// What stands before `length` bytes of a field, for which there is room behind it then.
    @inline(__always)
    mutating func header(_ field: UInt8, length: Int) {
        guard reserve(11 + length) else { return }
        putHeader(field, length: length)
    }

    /// Text; left out if empty, as proto3 has it.
    mutating func string(_ field: UInt8, _ value: String) {
        guard !value.utf8.isEmpty, reserve(11 + value.utf8.count) else { return }
        value.withBytes { putText(field, $0) }
    }

    /// Identifiers, which the wire has as bytes in network order.
    mutating func identifier(_ field: UInt8, _ id: TraceID) {
        guard reserve(18) else { return }
        put(field << 3 | 2)
        put(16)
        putWord(id.high.byteSwapped)
        putWord(id.low.byteSwapped)
    }

    mutating func identifier(_ field: UInt8, _ id: SpanID) {
        guard reserve(10) else { return }
        put(field << 3 | 2)
        put(8)
        putWord(id.value.byteSwapped)
    }

    /// A message within this one. Room for its length is left beforehand, `lengthBytes` of it; should the guess be
    /// wrong, the message is moved, so that lengths are never longer than they must be.
    mutating func message(_ field: UInt8, lengthBytes: Int = 1, _ body: (inout ProtobufWriter) -> Void) {
        guard reserve(1 + lengthBytes) else { return }
        put(field << 3 | 2)
        let first = next + lengthBytes
        next = first
        body(&self)
        guard !hasOverflowed else { return }
        let length = next - first
        let moved = ProtobufWriter.varintLength(UInt64(length)) - lengthBytes
        if moved != 0 {
            guard reserve(max(0, moved)) else { return }
            (first + moved).copyMemory(from: first, byteCount: length)
        }
        next = first - lengthBytes
        putVarint(UInt64(length))
        next += length
    }

    /// Fields that are written already.
    mutating func fields(_ fields: [UInt8]) {
        guard reserve(fields.count) else { return }
        fields.withUnsafeBytes { put($0) }
    }

    // MARK: Bytes

    /// How many bytes a field takes that has so many itself.
    static func lengthOfField(_ length: Int) -> Int {
        1 + varintLength(UInt64(length)) + length
    }

    /// How many bytes a number of variable length takes.
    static func varintLength(_ value: UInt64) -> Int {
        value < 0x80 ? 1 : (64 - value.leadingZeroBitCount + 6) / 7
    }

    @inline(__always)
    mutating func reserve(_ length: Int) -> Bool {
        if end - next < length { hasOverflowed = true }
        return !hasOverflowed
    }

    // What follows is for those who have reserved the room already.

    /// Text, written even if empty: a member of a `oneof`, or an element of a list.
    @inline(__always)
    mutating func putText(_ field: UInt8, _ value: UnsafeRawBufferPointer) {
        putHeader(field, length: value.count)
        put(value)
    }

    /// A number of variable length, written even if zero: a member of a `oneof`.
    @inline(__always)
    mutating func putNumber(_ field: UInt8, _ value: UInt64) {
        put(field << 3)
        putVarint(value)
    }

    @inline(__always)
    mutating func putHeader(_ field: UInt8, length: Int) {
        put(field << 3 | 2)
        putVarint(UInt64(length))
    }

    @inline(__always)
    private mutating func put(_ byte: UInt8) {
        next.storeBytes(of: byte, as: UInt8.self)
        next += 1
    }

    @inline(__always)
    private mutating func put(_ text: UnsafeRawBufferPointer) {
        guard let start = text.baseAddress else { return }
        next.copyMemory(from: start, byteCount: text.count)
        next += text.count
    }

    @inline(__always)
    private mutating func putHalf(_ value: UInt32) {
        next.storeBytes(of: value.littleEndian, as: UInt32.self)
        next += 4
    }

    @inline(__always)
    private mutating func putWord(_ value: UInt64) {
        next.storeBytes(of: value.littleEndian, as: UInt64.self)
        next += 8
    }

    @inline(__always)
    private mutating func putVarint(_ value: UInt64) {
        var rest = value
        while rest >= 0x80 {
            put(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        put(UInt8(rest))
    }
}

extension [UInt8] {
    /// Appends what `body` writes, which is called again with more room where there was too little.
    ///
    /// - Parameter room: how much is made for it at first.
    mutating func appendProtobuf(room: Int = 128, _ body: (inout ProtobufWriter) -> Void) {
        var room = Swift.max(room, capacity - count)
        var isWritten = false
        while !isWritten {
            append(addingCapacity: room) { output in
                output.withUnsafeMutableBufferPointer { memory, count in
                    guard let start = memory.baseAddress else { return }
                    var writer = ProtobufWriter(to: start, room: memory.count)
                    body(&writer)
                    isWritten = !writer.hasOverflowed
                    if isWritten { count = writer.count }
                }
            }
            room *= 2
        }
    }
}

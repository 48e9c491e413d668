internal import NIOCore

/// Reads replies in RESP2 from what came from the socket, and copies nothing: a reply is the bytes as they came, and where
/// in them its values are.
///
/// It is bounded in what RESP is not: how large a reply may be, how long an array, and how many arrays may be inside each
/// other. See https://redis.io/docs/latest/develop/reference/protocol-spec/.
struct ReplyReader {
    /// More elements than any command of ours is answered with.
    private static let longestArray = 1 << 20
    /// More arrays inside each other than any command of ours is answered with.
    private static let deepestArray = 8

    private let limit: Int
    /// What came and belongs to no whole reply yet.
    private var bytes = ByteBuffer()
    /// How far the reply was read that is not whole yet.
    private var position = 0
    private var root = RedisReply.Node.null
    private var elements: [RedisReply.Node] = []
    /// Where the elements are to be put that the innermost array still lacks, and those around it.
    private var missing = 0..<0
    private var missingAround: [Range<Int>] = []
    /// What was sent that is no reply.
    private var violation: String?

    /// A reader that refuses a reply of more than `limit` bytes.
    init(limit: Int) {
        self.limit = min(limit, Int(UInt32.max))
    }

    /// Takes what came from the socket.
    mutating func feed(_ more: ByteBuffer) throws(RedisError) {
        guard more.readableBytes <= limit - bytes.readableBytes else {
            throw RedisError(.protocolViolation, "a reply of more than \(limit) bytes")
        }
        guard bytes.readableBytes > 0 else { return bytes = more }
        // Only what is left is copied, if the replies before it hold the memory.
        bytes.discardReadBytes()
        bytes.writeImmutableBuffer(more)
    }

    /// The next whole reply; nil: more bytes are needed.
    mutating func next() throws(RedisError) -> RedisReply? {
        let bytes = self.bytes
        let isWhole = bytes.withUnsafeReadableBytes { read($0) }
        if let violation { throw RedisError(.protocolViolation, "Redis sent \(violation)") }
        guard isWhole, let own = self.bytes.readSlice(length: position) else { return nil }
        defer {
            position = 0
            elements = []
            // The memory is the replies' alone, or that of the channel again.
            if self.bytes.readableBytes == 0 { self.bytes = ByteBuffer() }
        }
        return RedisReply(bytes: own, root: root, elements: elements)
    }

    /// Reads on, value by value, until the reply is whole; false: more bytes are needed.
    private mutating func read(_ bytes: UnsafeRawBufferPointer) -> Bool {
        repeat {
            guard let node = node(bytes) else { return false }
            if missing.isEmpty {
                root = node
            } else {
                elements[missing.lowerBound] = node
                missing = missing.lowerBound + 1..<missing.upperBound
            }
            if case .array(let span) = node, span.count > 0 {
                guard missingAround.count < Self.deepestArray else {
                    violation = "arrays inside arrays"
                    return false
                }
                missingAround.append(missing)
                elements.append(contentsOf: repeatElement(.null, count: span.range.count))
                missing = span.range
            }
            while missing.isEmpty, let around = missingAround.popLast() { missing = around }
        } while !missing.isEmpty
        return true
    }

    /// The value that begins at `position`, which goes on behind it; nil: it is not whole.
    private mutating func node(_ bytes: UnsafeRawBufferPointer) -> RedisReply.Node? {
        guard position < bytes.count else { return nil }
        let type = bytes[position]
        if type == UInt8(ascii: "+") || type == UInt8(ascii: "-") {
            guard let end = endOfLine(bytes) else { return nil }
            let span = RedisReply.Span(position + 1, end - position - 1)
            position = end + 2
            return type == UInt8(ascii: "+") ? .string(span) : .error(span)
        }
        guard let (number, next) = number(bytes) else { return nil }
        switch type {
        case UInt8(ascii: ":"):
            position = next
            return .integer(number)
        case UInt8(ascii: "$") where number >= 0:
            guard number <= bytes.count - next - 2 else { return nil }
            guard Self.isLineEnd(bytes, next + number) else { return refuse("a string that is longer than it says") }
            position = next + number + 2
            return .string(RedisReply.Span(next, number))
        case UInt8(ascii: "*") where 0...Self.longestArray ~= number:
            position = next
            return .array(RedisReply.Span(elements.count, number))
        case UInt8(ascii: "$") where number == -1, UInt8(ascii: "*") where number == -1:
            position = next
            return .null
        default:
            return refuse("a value of type \(type) and length \(number)")
        }
    }

    /// Where the text ends of the line at `position`; nil: it is not whole.
    private mutating func endOfLine(_ bytes: UnsafeRawBufferPointer) -> Int? {
        guard let end = bytes[position...].firstIndex(of: UInt8(ascii: "\r")), end + 1 < bytes.count else { return nil }
        guard Self.isLineEnd(bytes, end) else { return refuse("a line that does not end") }
        return end
    }

    /// The number of the line at `position`, and where the next one begins; nil: it is not whole.
    private mutating func number(_ bytes: UnsafeRawBufferPointer) -> (number: Int, next: Int)? {
        var index = position + 1
        let isNegative = index < bytes.count && bytes[index] == UInt8(ascii: "-")
        if isNegative { index += 1 }
        let first = index
        var number = 0
        while index < bytes.count {
            let digit = Int(bytes[index]) - Int(UInt8(ascii: "0"))
            guard 0..<10 ~= digit else { break }
            let (tens, overTen) = number.multipliedReportingOverflow(by: 10)
            let (sum, over) =
                isNegative ? tens.subtractingReportingOverflow(digit) : tens.addingReportingOverflow(digit)
            guard !overTen, !over else { return refuse("a number that is too large") }
            number = sum
            index += 1
        }
        guard index + 1 < bytes.count else { return nil }
        guard index > first, Self.isLineEnd(bytes, index) else { return refuse("a number that is none") }
        return (number, index + 2)
    }

    private static func isLineEnd(_ bytes: UnsafeRawBufferPointer, _ index: Int) -> Bool {
        bytes[index] == UInt8(ascii: "\r") && bytes[index + 1] == UInt8(ascii: "\n")
    }

    private mutating func refuse<Value>(_ what: String) -> Value? {
        violation = what
        return nil
    }
}

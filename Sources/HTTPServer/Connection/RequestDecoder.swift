import NIOCore

#if canImport(Musl)
    import Musl
#else
    import Glibc
#endif

/// Cuts the bytes of a connection into the parts of requests (RFC 9112), strictly: what could be read in two ways, a line
/// that ends in LF alone for instance, is malformed.
///
/// It does no I/O. Its owner appends what was read, and takes ``next()`` until there is none; behind a head it says by
/// ``expectBody(_:)`` how the body's end is known.
struct RequestDecoder {
    enum Part {
        case head(RequestHead)
        case body(ByteBuffer)
        /// The request has come whole.
        case end
    }

    private enum State {
        case head
        case body(left: Int)
        case end
        /// The line with a chunk's size.
        case chunk
        case chunkBody(left: Int)
        /// The line end behind a chunk.
        case chunkEnd
        case trailers(bytes: Int)
    }

    private let maximumHeadSize: Int
    private let maximumHeadFields: Int
    private var state = State.head
    private var bytes = ByteBuffer()
    /// How many of the bytes are known to hold no end of what is looked for.
    private var searched = 0

    /// The most bytes of a chunk's line, extensions included: nobody needs any.
    private static let maximumChunkLine = 1024

    init(configuration: HTTPServerConfiguration) {
        maximumHeadSize = configuration.maximumHeadSize
        maximumHeadFields = configuration.maximumHeadFields
    }

    /// Whether a head has begun that is not complete.
    var isInsideHead: Bool {
        if case .head = state { bytes.readableBytes > 0 } else { false }
    }

    /// Takes in what was read.
    mutating func append(_ read: ByteBuffer) {
        if bytes.readableBytes == 0 {
            bytes = read
        } else {
            bytes.writeImmutableBuffer(read)
        }
    }

    /// Throws away what was read and not taken.
    ///
    /// - Returns: How many bytes that was.
    mutating func discard() -> Int {
        defer { bytes = ByteBuffer() }
        return bytes.readableBytes
    }

    /// Tells how the end of the body behind the head is known that came last.
    mutating func expectBody(_ length: RequestFraming.BodyLength) {
        state =
            switch length {
            case .none: .end
            case .fixed(let count): .body(left: count)
            case .chunked: .chunk
            }
    }

    /// The next part, as far as it has come; nil: more bytes are needed.
    ///
    /// - Throws: Why what follows can't be understood.
    mutating func next() throws(HTTPProblem) -> Part? {
        while true {
            switch state {
            case .head:
                skipEmptyLines()
                // The channel can read into memory again that nobody else holds.
                if bytes.readableBytes == 0 { bytes = ByteBuffer() }
                guard let length = try headLength() else { return nil }
                let fields = maximumHeadFields
                return .head(
                    try read(length) { bytes throws(HTTPProblem) in try RequestHead(bytes, maximumFields: fields) }
                )
            case .body(let left):
                guard let part = readBody(left) else { return nil }
                state = part.readableBytes == left ? .end : .body(left: left - part.readableBytes)
                return .body(part)
            case .end:
                state = .head
                return .end
            case .chunk:
                guard let length = try lineLength(atMost: Self.maximumChunkLine) else { return nil }
                let size = try read(length, Self.chunkSize)
                state = size == 0 ? .trailers(bytes: 0) : .chunkBody(left: size)
            case .chunkBody(let left):
                guard let part = readBody(left) else { return nil }
                state = part.readableBytes == left ? .chunkEnd : .chunkBody(left: left - part.readableBytes)
                return .body(part)
            case .chunkEnd:
                guard bytes.readableBytes >= 2 else { return nil }
                guard isAtLineEnd else { throw .malformed("a chunk is longer than it says") }
                bytes.moveReaderIndex(forwardBy: 2)
                state = .chunk
            case .trailers(let count):
                guard let length = try lineLength(atMost: maximumHeadSize - count) else { return nil }
                if isAtLineEnd {
                    bytes.moveReaderIndex(forwardBy: length)
                    state = .end
                } else {
                    // Nobody wants a trailer, but it has to be one.
                    _ = try read(length) { bytes throws(HTTPProblem) in
                        var index = 0
                        return try RequestFields.Field(in: bytes, at: &index)
                    }
                    state = .trailers(bytes: count + length)
                }
            }
        }
    }

    // MARK: - Heads

    /// RFC 9112, section 2.2: some clients send an empty line behind a body.
    private mutating func skipEmptyLines() {
        while searched == 0, isAtLineEnd {
            bytes.moveReaderIndex(forwardBy: 2)
        }
    }

    /// How long the head is, the empty line at its end included.
    private mutating func headLength() throws(HTTPProblem) -> Int? {
        guard let first = bytes.getInteger(at: bytes.readerIndex, as: UInt8.self) else { return nil }
        guard first.isTokenCharacter || first == .carriageReturn else { throw .malformed("it begins with no method") }
        while let lineEnd = try nextLineEnd() {
            guard lineEnd <= maximumHeadSize else { throw .headTooLarge }
            if lineEnd == searched + 2 {
                searched = 0
                return lineEnd
            }
            searched = lineEnd
        }
        guard bytes.readableBytes <= maximumHeadSize else { throw .headTooLarge }
        return nil
    }

    // MARK: - Lines

    private var isAtLineEnd: Bool {
        bytes.getInteger(at: bytes.readerIndex, as: UInt16.self) == 0x0D0A
    }

    /// How long the line is, its line end included.
    private mutating func lineLength(atMost limit: Int) throws(HTTPProblem) -> Int? {
        let end = try nextLineEnd()
        guard end ?? bytes.readableBytes <= limit else { throw .malformed("a line of a chunked body is too long") }
        searched = end == nil ? bytes.readableBytes : 0
        return end
    }

    /// Where the first line ends, its line end included, that does so behind what was searched.
    private func nextLineEnd() throws(HTTPProblem) -> Int? {
        try bytes.withUnsafeReadableBytes { bytes throws(HTTPProblem) in
            guard let start = bytes.baseAddress, searched < bytes.count,
                let lineFeed = memchr(start + searched, Int32(UInt8.lineFeed), bytes.count - searched)
            else { return nil }
            let index = UnsafeRawPointer(lineFeed) - start
            guard index > 0, bytes[index - 1] == .carriageReturn else {
                throw .malformed("a line ends in LF without CR")
            }
            return index + 1
        }
    }

    private static func chunkSize(_ line: UnsafeRawBufferPointer) throws(HTTPProblem) -> Int {
        var size = 0
        var digits = 0
        while let digit = line[digits].hexadecimalValue {
            size = size << 4 | Int(digit)
            digits += 1
            guard digits <= 15 else { throw .malformed("a chunk's size is too large") }
        }
        // Behind the size there may be extensions, which nobody uses.
        let rest = line[digits...].dropLast(2)
        let isExtended = rest.first { !$0.isBlank } == UInt8(ascii: ";")
        guard digits > 0, rest.isEmpty || isExtended, rest.allSatisfy(\.isFieldCharacter) else {
            throw .malformed("a chunk needs its size in hexadecimal digits")
        }
        return size
    }

    // MARK: - Bytes

    /// Reads what the first bytes say.
    private mutating func read<Meaning>(
        _ count: Int,
        _ meaning: (UnsafeRawBufferPointer) throws(HTTPProblem) -> Meaning
    ) throws(HTTPProblem) -> Meaning {
        defer { bytes.moveReaderIndex(forwardBy: count) }
        return try bytes.withUnsafeReadableBytes { bytes throws(HTTPProblem) in
            try meaning(UnsafeRawBufferPointer(rebasing: bytes[..<count]))
        }
    }

    /// What has come of a body.
    private mutating func readBody(_ left: Int) -> ByteBuffer? {
        guard bytes.readableBytes > left else {
            // Whoever has the last of the bytes shall be alone to hold them.
            defer { bytes = ByteBuffer() }
            return bytes.readableBytes > 0 ? bytes : nil
        }
        return bytes.readSlice(length: left)
    }
}

/// Reads a `multipart/form-data` body (RFC 7578, RFC 2046 section 5.1) and answers where its parts are; contents are
/// searched for their end and not copied.
///
/// What stands before the first boundary and after the last is no part. The memory must outlive the scanner.
struct MultipartScanner {
    /// The most bytes that the headers of one part may have.
    static let headerBytes = 8 << 10

    private let bytes: RawText
    /// A line end, two dashes, the boundary.
    private let delimiter: [UInt8]
    /// Behind the last delimiter; nil before the first one.
    private var position: Int?
    private var isFinished = false

    /// A scanner at the beginning of `bytes`. Throws where no boundary can be like that.
    init(_ bytes: RawText, boundary: String) throws(FrameError) {
        guard (1...70).contains(boundary.utf8.count), boundary.utf8.allSatisfy(Self.isOfBoundary),
            boundary.utf8.last != UInt8(ascii: " ")
        else {
            throw FrameError(
                .invalidMultipart,
                "the boundary is not 1 to 70 of the characters that RFC 2046 allows in it",
                at: nil
            )
        }
        self.bytes = bytes
        delimiter = Array("\r\n--".utf8) + boundary.utf8
    }

    /// The next part; nil behind the last one.
    mutating func next() throws(FrameError) -> MultipartPart? {
        if position == nil {
            guard let first = firstDelimiter() else {
                throw malformed("the boundary does not stand in the body", at: 0)
            }
            pass(first)
        }
        guard !isFinished, let start = position else { return nil }
        let headers = try readHeaders(from: start)
        // A part without content may end with the very line end that ends its headers.
        guard let end = nextDelimiter(from: headers.end - 2) else {
            throw malformed("the part has no end: no boundary follows it", at: start)
        }
        pass(end)
        guard let disposition = headers.disposition else {
            throw malformed("the part has no Content-Disposition", at: start)
        }
        guard let name = disposition.name else { throw malformed("the part has no name", at: start) }
        return MultipartPart(
            name: name,
            fileName: disposition.fileName,
            contentType: headers.contentType,
            content: headers.end..<max(headers.end, end.start),
            offset: start
        )
    }

    // MARK: Boundaries

    private struct Delimiter {
        let start: Int
        let end: Int
        let isLast: Bool
    }

    private mutating func pass(_ delimiter: Delimiter) {
        position = delimiter.end
        isFinished = delimiter.isLast
    }

    /// The first line that is the boundary: it may be the body's first, with no line end before it.
    private func firstDelimiter() -> Delimiter? {
        let first = delimiter[2...]
        let stands = bytes.count >= first.count && bytes[0..<first.count].buffer.elementsEqual(first)
        return (stands ? delimiter(from: 0, to: first.count) : nil) ?? nextDelimiter(from: 0)
    }

    private func nextDelimiter(from start: Int) -> Delimiter? {
        var start = start
        while let found = ByteSearch.first(delimiter, in: bytes, from: start) {
            if let whole = delimiter(from: found, to: found + delimiter.count) { return whole }
            start = found + 2
        }
        return nil
    }

    /// The delimiter whose boundary ends at `end`; nil where the line goes on, so that it is content that begins alike.
    private func delimiter(from start: Int, to end: Int) -> Delimiter? {
        if has("--", at: end) { return Delimiter(start: start, end: end + 2, isLast: true) }
        var end = end
        while end < bytes.count, bytes[end] == UInt8(ascii: " ") || bytes[end] == UInt8(ascii: "\t") { end += 1 }
        return has("\r\n", at: end) ? Delimiter(start: start, end: end + 2, isLast: false) : nil
    }

    private func has(_ text: StaticString, at index: Int) -> Bool {
        index + text.utf8CodeUnitCount <= bytes.count
            && ByteName.areEqual(bytes[index..<index + text.utf8CodeUnitCount], text.bytes)
    }

    private static func isOfBoundary(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "z"),
            UInt8(ascii: "A")...UInt8(ascii: "Z"):
            true
        default:
            "'()+_,-./:=? ".utf8.contains(byte)
        }
    }

    // MARK: Headers

    private struct Headers {
        var disposition: FormDisposition?
        var contentType: Range<Int>?
        /// Behind the blank line.
        var end = 0
    }

    private func readHeaders(from start: Int) throws(FrameError) -> Headers {
        var headers = Headers()
        var line = start
        while let end = lineEnd(from: line, within: start + Self.headerBytes) {
            if end == line {
                headers.end = end + 2
                return headers
            }
            try read(line..<end, into: &headers)
            line = end + 2
        }
        let isLong = bytes.count > start + Self.headerBytes
        let fault = isLong ? "are longer than \(Self.headerBytes) bytes" : "have no end"
        throw malformed("the part's headers \(fault)", at: start)
    }

    private func lineEnd(from start: Int, within limit: Int) -> Int? {
        let part = bytes[0..<min(limit, bytes.count)]
        return ByteSearch.first([UInt8(ascii: "\r"), UInt8(ascii: "\n")], in: part, from: start)
    }

    private func read(_ line: Range<Int>, into headers: inout Headers) throws(FrameError) {
        guard let colon = line.first(where: { bytes[$0] == UInt8(ascii: ":") }) else {
            throw malformed("a header of the part has no colon", at: line.lowerBound)
        }
        let value = trimmed(colon + 1..<line.upperBound)
        switch bytes[trimmed(line.lowerBound..<colon)].string.lowercased() {
        case "content-disposition":
            guard let disposition = FormDisposition(bytes[value]) else {
                throw malformed("the part's Content-Disposition is not that of form-data", at: line.lowerBound)
            }
            headers.disposition = disposition
        case "content-type":
            headers.contentType = value.isEmpty ? nil : value
        case "content-transfer-encoding":
            guard ["7bit", "8bit", "binary"].contains(bytes[value].string.lowercased()) else {
                throw malformed("a part comes as it is, without Content-Transfer-Encoding", at: line.lowerBound)
            }
        default:
            break
        }
    }

    private func trimmed(_ range: Range<Int>) -> Range<Int> {
        func isBlank(_ index: Int) -> Bool { bytes[index] == UInt8(ascii: " ") || bytes[index] == UInt8(ascii: "\t") }
        var (start, end) = (range.lowerBound, range.upperBound)
        while start < end, isBlank(start) { start += 1 }
        while start < end, isBlank(end - 1) { end -= 1 }
        return start..<end
    }

    private func malformed(_ fault: String, at offset: Int) -> FrameError {
        FrameError(.invalidMultipart, fault, at: offset)
    }
}

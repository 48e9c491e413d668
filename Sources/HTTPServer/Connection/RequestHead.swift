import NIOHTTP1

#if canImport(Musl)
    import Musl
#else
    import Glibc
#endif

/// The head of a request: its line and its fields (RFC 9112, sections 3 and 5).
struct RequestHead: Sendable {
    let method: HTTPMethod
    let target: String
    let version: HTTPVersion
    let fields: RequestFields
}

extension RequestHead {
    /// Reads a head whose every line, and the empty one at its end, ends in CR LF.
    ///
    /// - Throws: 400, 431 or 505. Nothing behind such a head can be trusted to be a request.
    init(_ bytes: UnsafeRawBufferPointer, maximumFields: Int) throws(HTTPProblem) {
        var scan = Scan()
        try scan.read(bytes, maximumFields: maximumFields)
        method = scan.method
        target = scan.target
        version = scan.version
        fields = RequestFields(scan.fields, of: Array(bytes))
    }

    private struct Scan {
        var method = HTTPMethod.GET
        var target = ""
        var version = HTTPVersion.http1_1
        var fields: [RequestFields.Field] = []

        mutating func read(_ bytes: UnsafeRawBufferPointer, maximumFields: Int) throws(HTTPProblem) {
            var index = try readLine(bytes)
            fields.reserveCapacity(8)
            while index < bytes.count - 2 {
                guard fields.count < maximumFields else { throw .headTooLarge }
                fields.append(try RequestFields.Field(in: bytes, at: &index))
            }
        }

        /// Reads the request line, and returns where the next one begins.
        private mutating func readLine(_ bytes: UnsafeRawBufferPointer) throws(HTTPProblem) -> Int {
            var index = 0
            while bytes[index].isTokenCharacter { index += 1 }
            guard index > 0, bytes[index] == UInt8(ascii: " ") else { throw .malformed("it begins with no method") }
            if bytes.hold("POST ", at: 0) {
                method = .POST
            } else if bytes.hold("GET ", at: 0) {
                method = .GET
            } else {
                method = HTTPMethod(rawValue: String(decoding: bytes[..<index], as: UTF8.self))
            }
            index += 1
            let target = index
            while bytes[index].isTargetCharacter { index += 1 }
            guard index > target, bytes[index] == UInt8(ascii: " ") else {
                throw .malformed("the method needs a target behind it, and then the version")
            }
            self.target = String(decoding: bytes[target..<index], as: UTF8.self)
            guard isTargetOfAnyForm else { throw .malformed("the target is neither a path nor a URL") }
            index += 1
            if bytes.hold("HTTP/1.1\r\n", at: index) {
                version = .http1_1
            } else if bytes.hold("HTTP/1.0\r\n", at: index) {
                version = .http1_0
            } else {
                throw bytes.hold("HTTP/", at: index) ? .versionNotSupported : .malformed("its line ends in no version")
            }
            return index + 10
        }

        /// RFC 9112, section 3.2: a path, a URL, or what only one method has.
        private var isTargetOfAnyForm: Bool {
            if target.utf8.first == UInt8(ascii: "/") || target == "*" { return true }
            if case .CONNECT = method { return true }
            let rest = target.utf8.drop { $0.isLetter }
            return rest.starts(with: "://".utf8) && rest.count < target.utf8.count && rest.count > 3
        }
    }
}

extension RequestFields.Field {
    /// Reads the field whose line begins at `index`, and moves that behind the line.
    ///
    /// `bytes` end in CR LF, which is no part of a field: so nothing is looked for beyond the end.
    init(in bytes: UnsafeRawBufferPointer, at index: inout Int) throws(HTTPProblem) {
        let start = index
        while bytes[index].isTokenCharacter { index += 1 }
        guard index > start, bytes[index] == UInt8(ascii: ":") else {
            throw .malformed("a field needs a name, and a colon right behind it")
        }
        name = start..<index
        repeat { index += 1 } while bytes[index].isBlank
        let valueStart = index
        while bytes[index].isFieldCharacter { index += 1 }
        guard bytes[index] == .carriageReturn, bytes[index + 1] == .lineFeed else {
            throw .malformed("a field's value has a control character in it")
        }
        var valueEnd = index
        while valueEnd > valueStart, bytes[valueEnd - 1].isBlank { valueEnd -= 1 }
        value = valueStart..<valueEnd
        index += 2
    }
}

extension UnsafeRawBufferPointer {
    /// Whether the bytes from an index on begin with a text.
    fileprivate func hold(_ text: StaticString, at index: Int) -> Bool {
        let length = text.utf8CodeUnitCount
        guard let start = baseAddress, length <= count - index else { return false }
        return memcmp(start + index, text.utf8Start, length) == 0
    }
}

extension UInt8 {
    static let carriageReturn = UInt8(ascii: "\r")
    static let lineFeed = UInt8(ascii: "\n")

    /// A space or a tab.
    var isBlank: Bool { self == UInt8(ascii: " ") || self == UInt8(ascii: "\t") }

    /// RFC 9110, section 5.6.2: letters, digits, and fifteen others.
    var isTokenCharacter: Bool {
        // One bit for each of the first 64, and of the second 64 characters.
        let set: UInt64 = self < 64 ? 0x03FF_6CFA_0000_0000 : 0x57FF_FFFF_C7FF_FFFE
        return self < 128 && set >> UInt64(self & 63) & 1 == 1
    }

    /// RFC 9110, section 5.5, with the tab; all but control characters.
    var isFieldCharacter: Bool { self >= 0x20 && self != 0x7F || self == UInt8(ascii: "\t") }

    fileprivate var isLetter: Bool { (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(self | 0x20) }

    /// All but spaces and control characters: what a target means is its reader's business.
    fileprivate var isTargetCharacter: Bool { self > 0x20 && self != 0x7F }
}

/// The `Content-Disposition` of a form's part: `form-data; name="camera_id"` (RFC 7578, section 4.2).
struct FormDisposition: Equatable {
    /// The field's name.
    private(set) var name: [UInt8]?
    /// The file's name, which makes the part a file.
    private(set) var fileName: [UInt8]?

    /// Reads a header's value; nil where it is no form's.
    init?(_ value: RawText) {
        var reader = Reader(bytes: value)
        guard reader.token().lowercased() == "form-data" else { return nil }
        while reader.take(UInt8(ascii: ";")) {
            // Some end with a semicolon.
            guard !reader.isAtEnd else { break }
            let parameter = reader.token().lowercased()
            guard !parameter.isEmpty, reader.take(UInt8(ascii: "=")), let text = reader.text() else { return nil }
            switch parameter {
            case "name": name = name ?? text
            case "filename", "filename*": fileName = fileName ?? text
            default: break
            }
        }
        guard reader.isAtEnd else { return nil }
    }

    private struct Reader {
        let bytes: RawText
        var position = 0

        var isAtEnd: Bool {
            mutating get {
                skipBlanks()
                return position == bytes.count
            }
        }

        private mutating func skipBlanks() {
            while position < bytes.count, bytes[position] == UInt8(ascii: " ") || bytes[position] == UInt8(ascii: "\t")
            {
                position += 1
            }
        }

        mutating func take(_ byte: UInt8) -> Bool {
            skipBlanks()
            guard position < bytes.count, bytes[position] == byte else { return false }
            position += 1
            return true
        }

        /// What stands up to a blank, `;`, `=` or a quote.
        mutating func token() -> String {
            skipBlanks()
            let start = position
            while position < bytes.count, !" \t;=\"".utf8.contains(bytes[position]) { position += 1 }
            return bytes[start..<position].string
        }

        /// A parameter's value; nil where its quotes don't end.
        mutating func text() -> [UInt8]? {
            guard take(UInt8(ascii: "\"")) else { return Array(token().utf8) }
            var text: [UInt8] = []
            while position < bytes.count {
                let byte = bytes[position]
                position += 1
                switch byte {
                case UInt8(ascii: "\""):
                    return text
                case UInt8(ascii: "\\") where isQuotable:
                    text.append(bytes[position])
                    position += 1
                case UInt8(ascii: "%"):
                    text.append(browserEscape ?? byte)
                default:
                    text.append(byte)
                }
            }
            return nil
        }

        /// Behind a backslash: others are characters of their own, as in the paths that old browsers send.
        private var isQuotable: Bool {
            position < bytes.count && (bytes[position] == UInt8(ascii: "\"") || bytes[position] == UInt8(ascii: "\\"))
        }

        /// Behind a `%`: what browsers and curl write for a quote and for line ends, and for nothing else (HTML,
        /// "multipart form data").
        private var browserEscape: UInt8? {
            mutating get {
                guard position + 2 <= bytes.count else { return nil }
                let byte: UInt8
                switch bytes[position..<position + 2].string.uppercased() {
                case "22": byte = UInt8(ascii: "\"")
                case "0D": byte = UInt8(ascii: "\r")
                case "0A": byte = UInt8(ascii: "\n")
                default: return nil
                }
                position += 2
                return byte
            }
        }
    }
}

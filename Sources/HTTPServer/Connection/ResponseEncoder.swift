import NIOCore
import NIOHTTP1

/// Writes response heads, and small bodies behind them, into one buffer.
struct ResponseEncoder {
    /// What the connection adds to a response.
    struct Framing: Equatable {
        /// The answer to `HEAD`: the length of the body, but no body.
        var omitsBody = false
        var connection = Connection.implicit

        enum Connection: Equatable {
            /// The protocol's default: nothing is said.
            case implicit
            /// HTTP/1.0 keeps a connection open only where that is said.
            case keepAlive
            case close
        }
    }

    /// Up to here a body is copied behind its head; above, a second write is cheaper than the copy.
    static let inlineBodyLimit = 16 * 1024

    private var dateLine = ""
    private var dateSecond = -1

    /// Writes the head of a response, and its body if that is small.
    ///
    /// - Returns: The body where it is to be written by itself, behind the buffer.
    mutating func encode(
        _ response: HTTPResponse,
        framing: Framing,
        secondsSince1970: Int,
        into buffer: inout ByteBuffer
    ) -> ByteBuffer? {
        if secondsSince1970 != dateSecond {
            dateSecond = secondsSince1970
            dateLine = "\r\nDate: " + HTTPDate.format(secondsSince1970: secondsSince1970) + "\r\n"
        }
        let body = response.body
        let hasBody = response.status.mayHaveResponseBody
        let hasLength = hasBody && response.stream == nil
        let isInline = hasLength && !framing.omitsBody && body.readableBytes <= Self.inlineBodyLimit

        var size = 128 + response.status.reasonPhrase.utf8.count + dateLine.utf8.count
        for (name, value) in response.headers {
            size += name.utf8.count + value.utf8.count + 4
        }
        if isInline { size += body.readableBytes }

        buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: size) { bytes in
            var output = Output(bytes)
            output.append("HTTP/1.1 ")
            output.append(decimal: Int(response.status.code))
            output.append(" ")
            output.appendVisible(response.status.reasonPhrase)
            output.append(dateLine)
            for (name, value) in response.headers where !Self.isOurs(name) {
                output.appendVisible(name)
                output.append(": ")
                output.appendVisible(value)
                output.append("\r\n")
            }
            switch framing.connection {
            case .implicit: break
            case .keepAlive: output.append("Connection: keep-alive\r\n")
            case .close: output.append("Connection: close\r\n")
            }
            if hasLength {
                output.append("Content-Length: ")
                output.append(decimal: body.readableBytes)
                output.append("\r\n\r\n")
            } else {
                output.append("\r\n")
            }
            if isInline {
                body.withUnsafeReadableBytes { output.append($0) }
            }
            return output.count
        }
        return hasLength && !framing.omitsBody && !isInline ? body : nil
    }

    private static func isOurs(_ name: String) -> Bool {
        switch name.utf8.count {
        case 4: name.isEqualIgnoringCase(to: "date")
        case 10: name.isEqualIgnoringCase(to: "connection")
        case 14: name.isEqualIgnoringCase(to: "content-length")
        case 17: name.isEqualIgnoringCase(to: "transfer-encoding")
        default: false
        }
    }
}

extension ResponseEncoder {
    /// A place to write to whose size was computed before.
    private struct Output {
        private let bytes: UnsafeMutableRawBufferPointer
        private(set) var count = 0

        init(_ bytes: UnsafeMutableRawBufferPointer) {
            self.bytes = bytes
        }

        mutating func append(_ source: UnsafeRawBufferPointer) {
            UnsafeMutableRawBufferPointer(rebasing: bytes[count...]).copyMemory(from: source)
            count += source.count
        }

        mutating func append(_ text: StaticString) {
            append(UnsafeRawBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
        }

        mutating func append(_ text: String) {
            let length = text.utf8.count
            let room = UnsafeMutableRawBufferPointer(rebasing: bytes[count..<count + length])
            if text.utf8.withContiguousStorageIfAvailable({ room.copyMemory(from: UnsafeRawBufferPointer($0)) }) == nil
            {
                room.copyBytes(from: text.utf8)
            }
            count += length
        }

        /// Appends text from elsewhere: a control character in it could end the line or the head, and becomes a space.
        mutating func appendVisible(_ text: String) {
            let start = count
            append(text)
            for index in start..<count where bytes[index] < 0x20 || bytes[index] == 0x7F { bytes[index] = 0x20 }
        }

        mutating func append(decimal number: Int) {
            if number >= 10 { append(decimal: number / 10) }
            bytes[count] = UInt8(ascii: "0") + UInt8(number % 10)
            count += 1
        }
    }
}

extension HTTPResponseStatus {
    /// RFC 9110, section 6.4.1: neither 1xx nor 204 nor 304 has a body, nor may the first two have a length.
    var mayHaveResponseBody: Bool {
        code >= 200 && code != 204 && code != 304
    }
}

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

    private var dateLine: [UInt8] = []
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
            dateLine = Array("Date: \(HTTPDate.format(secondsSince1970: secondsSince1970))\r\n".utf8)
        }
        let body = response.body
        let hasBody = response.status.mayHaveResponseBody
        let hasLength = hasBody && response.stream == nil
        let isInline = hasLength && !framing.omitsBody && body.readableBytes <= Self.inlineBodyLimit

        var size = 128 + response.status.reasonPhrase.utf8.count + dateLine.count + response.headers.lines.count
        if isInline { size += body.readableBytes }

        buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: size) { bytes in
            var output = Output(bytes)
            if case .ok = response.status {
                output.append("HTTP/1.1 200 OK\r\n")
            } else {
                output.append("HTTP/1.1 ")
                output.append(decimal: Int(response.status.code))
                output.append(" ")
                output.appendVisible(response.status.reasonPhrase)
                output.append("\r\n")
            }
            dateLine.withUnsafeBytes { output.append($0) }
            response.headers.lines.withUnsafeBytes { output.append($0) }
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
}

extension ResponseEncoder {
    /// A place to write to whose size was computed before.
    struct Output {
        private let start: UnsafeMutableRawPointer
        private let end: UnsafeMutableRawPointer
        private var next: UnsafeMutableRawPointer

        /// Writes into `bytes`, which are not none.
        init(_ bytes: UnsafeMutableRawBufferPointer) {
            start = bytes.baseAddress.unsafelyUnwrapped
            end = start + bytes.count
            next = start
        }

        /// How many bytes were written.
        var count: Int { next - start }

        private func reserve(_ count: Int) {
            precondition(end - next >= count, "the head is larger than was reserved for it")
        }

        mutating func append(_ source: UnsafeRawBufferPointer) {
            reserve(source.count)
            if let bytes = source.baseAddress { next.copyMemory(from: bytes, byteCount: source.count) }
            next += source.count
        }

        mutating func append(_ text: StaticString) {
            append(UnsafeRawBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
        }

        /// Appends text from elsewhere: a control character in it could end the line or the head, and becomes a space.
        mutating func appendVisible(_ text: String) {
            var text = text
            text.withUTF8 { text in
                reserve(text.count)
                let place = next
                for index in text.indices {
                    let byte = text[index]
                    place.storeBytes(of: byte < 0x20 || byte == 0x7F ? 0x20 : byte, toByteOffset: index, as: UInt8.self)
                }
                next += text.count
            }
        }

        mutating func append(decimal number: Int) {
            if number >= 10 { append(decimal: number / 10) }
            reserve(1)
            next.storeBytes(of: UInt8(ascii: "0") + UInt8(number % 10), as: UInt8.self)
            next += 1
        }
    }
}

extension HTTPResponseStatus {
    /// RFC 9110, section 6.4.1: neither 1xx nor 204 nor 304 has a body, nor may the first two have a length.
    var mayHaveResponseBody: Bool {
        code >= 200 && code != 204 && code != 304
    }
}

import NIOCore
import NIOHTTP1
import Testing

@testable import HTTPServer

@Suite("Encoded responses")
struct ResponseEncoderTests {
    private func encode(
        _ response: HTTPResponse,
        _ framing: ResponseEncoder.Framing = .init()
    ) -> (text: String, body: ByteBuffer?) {
        var encoder = ResponseEncoder()
        var buffer = ByteBuffer()
        let body = encoder.encode(response, framing: framing, secondsSince1970: 784_111_777, into: &buffer)
        return (String(buffer: buffer), body)
    }

    @Test("A small body follows its head in one buffer")
    func small() {
        let response = HTTPResponse(status: .ok, headers: ["X-A": "b"], body: ByteBuffer(string: "hello"))
        let (text, body) = encode(response)
        #expect(
            text == "HTTP/1.1 200 OK\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\nX-A: b\r\nContent-Length: 5\r\n\r\nhello"
        )
        #expect(body == nil)
    }

    @Test("A large body is a buffer of its own")
    func large() {
        let large = ByteBuffer(repeating: 0x61, count: ResponseEncoder.inlineBodyLimit + 1)
        let (text, body) = encode(HTTPResponse(status: .ok, body: large))
        #expect(text.hasSuffix("Content-Length: 16385\r\n\r\n"))
        #expect(body == large)
    }

    @Test("The answer to HEAD has the length of the body, and no body", arguments: [5, 100_000])
    func head(count: Int) {
        let response = HTTPResponse(status: .ok, body: ByteBuffer(repeating: 0x61, count: count))
        let (text, body) = encode(response, .init(omitsBody: true))
        #expect(text.hasSuffix("Content-Length: \(count)\r\n\r\n"))
        #expect(body == nil)
    }

    @Test("A status without a body has no length either", arguments: [HTTPResponseStatus.noContent, .notModified])
    func withoutBody(status: HTTPResponseStatus) {
        let (text, body) = encode(HTTPResponse(status: status, body: ByteBuffer(string: "hello")))
        #expect(!text.contains("Content-Length"))
        #expect(text.hasSuffix("\r\n\r\n"))
        #expect(body == nil)
    }

    @Test("What becomes of the connection is said only where it is needed")
    func connection() {
        let response = HTTPResponse(status: .ok)
        #expect(!encode(response).text.contains("Connection"))
        #expect(encode(response, .init(connection: .close)).text.contains("\r\nConnection: close\r\n"))
        #expect(encode(response, .init(connection: .keepAlive)).text.contains("\r\nConnection: keep-alive\r\n"))
    }

    @Test("A value can't end its line")
    func injection() {
        let headers: ResponseFields = ["X-A": "c\r\nX-D: e\u{0}f\u{7F}\tg"]
        let (text, _) = encode(HTTPResponse(status: .custom(code: 299, reasonPhrase: "a\r\nb"), headers: headers))
        #expect(text.hasPrefix("HTTP/1.1 299 a  b\r\n"))
        #expect(text.contains("\r\nX-A: c  X-D: e f  g\r\n"))
    }

    @Test(
        "Dates are right over leap years and centuries",
        arguments: [
            (0, "Thu, 01 Jan 1970 00:00:00 GMT"),
            (784_111_777, "Sun, 06 Nov 1994 08:49:37 GMT"),
            (951_782_399, "Mon, 28 Feb 2000 23:59:59 GMT"),
            (951_782_400, "Tue, 29 Feb 2000 00:00:00 GMT"),
            (951_868_800, "Wed, 01 Mar 2000 00:00:00 GMT"),
            (1_735_689_599, "Tue, 31 Dec 2024 23:59:59 GMT"),
            (4_107_542_400, "Mon, 01 Mar 2100 00:00:00 GMT"),
        ]
    )
    func dates(seconds: Int, text: String) {
        #expect(HTTPDate.format(secondsSince1970: seconds) == text)
    }
}

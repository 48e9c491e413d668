import NIOCore
import NIOHTTP1
import Testing

@testable import HTTPServer

@Suite("Problem documents")
struct HTTPProblemTests {
    @Test("A problem says its type, title and status")
    func plain() {
        let response = HTTPProblem(.notFound).response()
        #expect(response.status == .notFound)
        #expect(
            String(decoding: response.headers.lines, as: UTF8.self)
                == "Content-Type: application/problem+json\r\nCache-Control: no-store\r\n"
        )
        #expect(String(buffer: response.body) == #"{"type":"about:blank","title":"Not Found","status":404}"#)
    }

    @Test("Detail, further members and header fields come along")
    func full() {
        let problem = HTTPProblem(
            .methodNotAllowed,
            type: "urn:example:a",
            title: "No",
            detail: "not that",
            members: [("trace_id", .null), ("offset", .integer(-3)), ("outcome", .string("unknown"))],
            headers: ["Allow": "GET"]
        )
        let response = problem.response()
        #expect(String(decoding: response.headers.lines, as: UTF8.self).hasPrefix("Allow: GET\r\n"))
        #expect(
            String(buffer: response.body)
                == #"{"type":"urn:example:a","title":"No","status":405,"detail":"not that","trace_id":null,"#
                + #""offset":-3,"outcome":"unknown"}"#
        )
    }

    @Test(
        "Text is escaped",
        arguments: [
            ("a\"b\\c", #"a\"b\\c"#), ("\n\r\t", #"\n\r\t"#), ("\u{0}\u{1F}\u{7F}", "\\u0000\\u001f\u{7F}"),
            ("ä€😀\r\n", #"ä€😀\r\n"#), ("a/b", "a/b"),
        ]
    )
    func escaping(text: String, escaped: String) {
        let body = String(buffer: HTTPProblem(.badRequest, title: text).response().body)
        #expect(body == "{\"type\":\"about:blank\",\"title\":\"\(escaped)\",\"status\":400}")
    }
}

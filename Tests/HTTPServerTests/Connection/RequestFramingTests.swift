import NIOHTTP1
import Testing

@testable import HTTPServer

@Suite("What a request's head means")
struct RequestFramingTests {
    struct Case: CustomTestStringConvertible {
        let fields: [(String, String)]
        var version = HTTPVersion.http1_1
        var method = HTTPMethod.POST
        let testDescription: String

        init(
            _ description: String,
            _ fields: [(String, String)],
            version: HTTPVersion = .http1_1,
            method: HTTPMethod = .POST
        ) {
            testDescription = description
            self.fields = fields
            self.version = version
            self.method = method
        }

        func read() throws(HTTPProblem) -> RequestFraming {
            let head = RequestHead(method: method, target: "/", version: version, fields: RequestFields(fields))
            return try RequestFraming(head, maximumBodySize: 100)
        }
    }

    @Test(
        "A head that can't be taken is refused with its status",
        arguments: [
            (Case("no Host", []), 400),
            (Case("two Hosts", [("Host", "a"), ("host", "a")]), 400),
            (Case("two Hosts in 1.0", [("Host", "a"), ("Host", "a")], version: .http1_0), 400),
            (Case("both lengths", [("Host", "a"), ("Content-Length", "5"), ("Transfer-Encoding", "chunked")]), 400),
            (Case("two lengths", [("Host", "a"), ("Content-Length", "5"), ("Content-Length", "5")]), 400),
            (Case("two codings", [("Host", "a"), ("Transfer-Encoding", "x"), ("Transfer-Encoding", "chunked")]), 400),
            (Case("a negative length", [("Host", "a"), ("Content-Length", "-5")]), 400),
            (Case("a length with a sign", [("Host", "a"), ("Content-Length", "+5")]), 400),
            (Case("an empty length", [("Host", "a"), ("Content-Length", "")]), 400),
            (Case("no number", [("Host", "a"), ("Content-Length", "5, 5")]), 400),
            (Case("a coding in 1.0", [("Transfer-Encoding", "chunked")], version: .http1_0), 400),
            (Case("a compressed coding", [("Host", "a"), ("Transfer-Encoding", "gzip, chunked")]), 501),
            (Case("too long", [("Host", "a"), ("Content-Length", "101")]), 413),
            (
                Case("too long, with Expect", [("Host", "a"), ("Expect", "100-continue"), ("Content-Length", "101")]),
                413
            ),
            (Case("an unknown expectation", [("Host", "a"), ("Expect", "200-ok"), ("Content-Length", "1")]), 417),
        ] as [(Case, UInt)]
    )
    func refused(_ head: Case, status: UInt) {
        #expect {
            try head.read()
        } throws: { error in
            (error as? HTTPProblem)?.status.code == status
        }
    }

    @Test(
        "The body's end is known by its length, its chunks, or by there being none",
        arguments: [
            (Case("nothing said", [("Host", "a")]), .none),
            (Case("length 0", [("Host", "a"), ("Content-Length", "0")]), .none),
            (Case("the limit", [("HOST", "a"), ("content-length", "100")]), .fixed(100)),
            (Case("chunked", [("Host", "a"), ("Transfer-Encoding", "Chunked")]), .chunked),
            (Case("1.0 without Host", [("Content-Length", "7")], version: .http1_0), .fixed(7)),
        ] as [(Case, RequestFraming.BodyLength)]
    )
    func bodyLength(_ head: Case, length: RequestFraming.BodyLength) throws {
        #expect(try head.read().bodyLength == length)
    }

    @Test(
        "An expectation counts only in HTTP/1.1 and before a body",
        arguments: [
            (Case("1.1", [("Host", "a"), ("Expect", "100-continue"), ("Content-Length", "5")]), true),
            (Case("no body", [("Host", "a"), ("Expect", "100-continue")]), false),
            (Case("1.0", [("Expect", "100-continue"), ("Content-Length", "5")], version: .http1_0), false),
            (Case("1.0, unknown", [("Expect", "magic"), ("Content-Length", "5")], version: .http1_0), false),
        ] as [(Case, Bool)]
    )
    func expectation(_ head: Case, isExpected: Bool) throws {
        #expect(try head.read().expectsContinue == isExpected)
    }

    @Test(
        "The connection stays open by the rules of each version",
        arguments: [
            (Case("1.1", [("Host", "a")]), .implicit),
            (Case("1.1, close", [("Host", "a"), ("Connection", "close")]), .close),
            (Case("among others", [("Host", "a"), ("Connection", "TE"), ("Connection", "x ,\tClose")]), .close),
            (Case("1.0", [], version: .http1_0), .close),
            (Case("1.0, keep-alive", [("Connection", "Keep-Alive")], version: .http1_0), .announced),
            (Case("upgrade", [("Host", "a"), ("Connection", "upgrade"), ("Upgrade", "h2c")]), .implicit),
            (Case("CONNECT", [("Host", "a")], method: .CONNECT), .close),
        ] as [(Case, RequestFraming.Persistence)]
    )
    func persistence(_ head: Case, persistence: RequestFraming.Persistence) throws {
        #expect(try head.read().persistence == persistence)
    }
}

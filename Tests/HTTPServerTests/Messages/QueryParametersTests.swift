import NIOHTTP1
import Testing

@testable import HTTPServer

@Suite("Query parameters")
struct QueryParametersTests {
    @Test(
        "Values are decoded",
        arguments: [
            ("wait=5s", "5s"),
            ("a=1&wait=5s&wait=6s", "5s"),
            ("wait", ""),
            ("wait=", ""),
            ("&&wait=a=b&", "a=b"),
            ("wait=a+b%20c%2Bd", "a b c+d"),
            ("wait=%C3%A4%E2%82%AC", "ä€"),
            ("w%61it=x", "x"),
            ("wait=ä", "ä"),
        ]
    )
    func values(query: String, value: String) throws {
        let query = QueryParameters(query)
        try query.validate()
        #expect(query["wait"] == value)
    }

    @Test("What isn't there is nil", arguments: ["", "&", "waits=1", "WAIT=1", "=wait"])
    func absent(query: String) {
        #expect(QueryParameters(query)["wait"] == nil)
    }

    @Test(
        "Broken encoding is reported, not guessed",
        arguments: [
            ("a=1&wait=%", "wait"), ("wait=%4", "wait"), ("wait=%zz", "wait"), ("wait=%ff", "wait"),
            ("wait=%+1", "wait"),
            ("a=1&%zz=1", "2"), ("wait=%C3%28", "wait"),
        ]
    )
    func broken(query: String, named name: String) {
        let query = QueryParameters(query)
        #expect(query["wait"] == nil)
        #expect {
            try query.validate()
        } throws: { error in
            let problem = error as? HTTPProblem
            return problem?.status == .badRequest && problem?.detail?.contains(name) == true
        }
    }

    @Test("All values and all names come in order")
    func all() {
        let query = QueryParameters("a=1&b=2&a=3&%63=4")
        #expect(query.all("a") == ["1", "3"])
        #expect(query.all("x") == [])
        #expect(query.names == ["a", "b", "a", "c"])
        #expect(!query.isEmpty)
        #expect(QueryParameters("").isEmpty)
    }

    @Test(
        "A request target splits into path and query",
        arguments: [
            ("/a", "/a", ""), ("/a?b=c", "/a", "b=c"), ("/?", "/", ""), ("/a?b?c", "/a", "b?c"), ("*", "*", ""),
            ("/a%20b", "/a%20b", ""), ("http://host/a/b?c=d", "/a/b", "c=d"), ("http://host", "/", ""),
            ("http://host?c=d", "/", "c=d"), ("HTTPS://host:1/a", "/a", ""), ("host:80", "host:80", ""),
            ("//a/b", "//a/b", ""),
        ] as [(String, String, String)]
    )
    func targets(target: String, path: String, query: String) {
        let request = HTTPRequest(method: .GET, target: target)
        #expect(request.path == path)
        #expect(request.query.text == query)
    }
}

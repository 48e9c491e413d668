import NIOHTTP1
import Testing

@testable import HTTPServer

@Suite("The router")
struct RouterTests {
    private let router: Router<String> = {
        var router = Router<String>()
        router.add(.GET, "/", "root")
        router.add(.POST, "/enqueue", "enqueue")
        router.add(.GET, "/dequeue", "dequeue")
        router.add(.POST, "/dequeue", "dequeue")
        router.add(.GET, "/frames/{message_id}", "frame")
        router.add(.DELETE, "/frames/{message_id}", "delete")
        router.add(.GET, "/frames/latest", "latest")
        router.add(.GET, "/cameras/{camera}/frames/{message_id}", "camera frame")
        return router
    }()

    private func find(_ method: HTTPMethod, _ path: String) -> String {
        switch router.match(method: method, path: path) {
        case .found(let number, let parameters):
            ([router[number]] + ["camera", "message_id"].compactMap { parameters[$0] }).joined(separator: " ")
        case .notFound: "404"
        case .methodNotAllowed(let methods): "405 " + methods.map(\.rawValue).joined(separator: ",")
        }
    }

    @Test(
        "A method and path lead to their endpoint, or to 404 or 405",
        arguments: [
            (.GET, "/", "root"),
            (.POST, "/enqueue", "enqueue"),
            (.GET, "/enqueue", "405 POST"),
            (.HEAD, "/dequeue", "405 GET,POST"),
            (.GET, "/frames/1-0", "frame 1-0"),
            (.DELETE, "/frames/1-0", "delete 1-0"),
            (.POST, "/frames/1-0", "405 GET,DELETE"),
            (.GET, "/frames/latest", "latest"),
            (.GET, "/frames/a%20b%2Fc+d", "frame a b/c+d"),
            (.GET, "/frames/%zz", "404"),
            (.GET, "/frames/", "404"),
            (.GET, "/frames", "404"),
            (.GET, "/frames/1/2", "404"),
            (.GET, "/cameras/c1/frames/2-0", "camera frame c1 2-0"),
            (.GET, "/cameras//frames/2-0", "404"),
            (.GET, "/enqueue/", "404"),
            (.GET, "", "404"),
            (.OPTIONS, "*", "404"),
        ] as [(HTTPMethod, String, String)]
    )
    func match(method: HTTPMethod, path: String, result: String) {
        #expect(find(method, path) == result)
    }

    @Test("A later endpoint of the same method and path replaces the earlier")
    func replace() {
        var router = router
        router.add(.GET, "/", "new")
        guard case .found(let number, _) = router.match(method: .GET, path: "/"), router[number] == "new" else {
            Issue.record("not replaced")
            return
        }
    }
}

internal import HTTPServer
internal import NIOHTTP1

extension HTTPRequest {
    /// Calls `body` with the query's parameters in turn; one that is not in `known` is refused.
    func forEachParameter(
        of known: [String],
        _ body: (_ name: String, _ value: String) throws(HTTPProblem) -> Void
    ) throws(HTTPProblem) {
        guard !query.isEmpty else { return }
        try query.validate()
        for name in query.names {
            guard known.contains(name) else {
                let list = known.joined(separator: ", ")
                throw HTTPProblem(.badRequest, detail: "'\(name)' is no parameter of \(path); there is \(list)")
            }
            try body(name, query[name] ?? "")
        }
    }
}

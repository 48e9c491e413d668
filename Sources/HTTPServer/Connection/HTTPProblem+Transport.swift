import NIOHTTP1

extension HTTPProblem {
    static func bodyTooLarge(limit: Int) -> HTTPProblem {
        HTTPProblem(.payloadTooLarge, detail: "The body is larger than \(limit) bytes")
    }

    static let headTooSlow = HTTPProblem(.requestTimeout, detail: "The head of the request did not come in time")

    static let bodyTooSlow = HTTPProblem(.requestTimeout, detail: "The body of the request did not come in time")

    static let tooManyConnections = HTTPProblem(
        .serviceUnavailable,
        detail: "Too many connections are open",
        headers: ["Retry-After": "1"]
    )

    /// What the decoder refused, or `nil` where the peer ended in the middle of a request and is owed no answer.
    init?(decodingError error: any Error) {
        guard let error = error as? HTTPParserError else { return nil }
        switch error {
        case .invalidEOFState, .closedConnection:
            return nil
        case .headerOverflow:
            self.init(.requestHeaderFieldsTooLarge, detail: "The head of the request is too large")
        case .invalidVersion:
            self.init(.httpVersionNotSupported, detail: "The server speaks HTTP/1.1")
        default:
            self.init(.badRequest, detail: "The request is not valid HTTP/1.1 (\(error))")
        }
    }
}

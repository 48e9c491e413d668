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

    static let headTooLarge = HTTPProblem(
        .requestHeaderFieldsTooLarge,
        detail: "The head of the request is too large"
    )

    static let versionNotSupported = HTTPProblem(.httpVersionNotSupported, detail: "The server speaks HTTP/1.1")

    static func malformed(_ fault: String) -> HTTPProblem {
        HTTPProblem(.badRequest, detail: "The request is not valid HTTP/1.1: \(fault)")
    }
}

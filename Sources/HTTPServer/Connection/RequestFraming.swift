import NIOHTTP1

/// What a request's head means for its connection: where the body ends, and whether another request may follow.
struct RequestFraming {
    /// How the body's end is known.
    enum BodyLength: Equatable {
        case none
        case fixed(Int)
        case chunked
    }

    /// What becomes of the connection after the response.
    enum Persistence {
        /// It stays open, as HTTP/1.1's default is.
        case implicit
        /// It stays open, and the response has to say so: HTTP/1.0.
        case announced
        case close
    }

    let bodyLength: BodyLength
    let persistence: Persistence
    let expectsContinue: Bool

    /// Reads the fields that concern the connection.
    ///
    /// - Throws: Why the request can't be taken. Nothing behind such a head can be trusted to be a request.
    init(_ head: borrowing RequestHead, maximumBodySize: Int) throws(HTTPProblem) {
        let isHTTP10 = head.version == .http1_0
        let hosts = head.fields.count(of: "host")
        guard hosts == 1 || (hosts == 0 && isHTTP10) else {
            throw HTTPProblem(
                .badRequest,
                detail: hosts == 0 ? "The Host field is missing" : "More than one Host field"
            )
        }
        bodyLength = try Self.bodyLength(
            length: head.fields.only("content-length"),
            coding: head.fields.only("transfer-encoding"),
            isHTTP10: isHTTP10
        )
        if case .fixed(let count) = bodyLength, count > maximumBodySize {
            throw .bodyTooLarge(limit: maximumBodySize)
        }
        if !isHTTP10, let expectation = head.fields.first("expect") {
            guard expectation.lowercased() == "100-continue" else {
                throw HTTPProblem(.expectationFailed, detail: "The only expectation that can be met is 100-continue")
            }
            expectsContinue = bodyLength != .none
        } else {
            expectsContinue = false
        }
        // What would follow a CONNECT is no HTTP. An Upgrade is an offer, which is not taken.
        if case .CONNECT = head.method {
            persistence = .close
        } else if head.fields.lists("connection", "close") {
            persistence = .close
        } else if isHTTP10 {
            persistence = head.fields.lists("connection", "keep-alive") ? .announced : .close
        } else {
            persistence = .implicit
        }
    }

    private static func bodyLength(
        length: String?,
        coding: String?,
        isHTTP10: Bool
    ) throws(HTTPProblem) -> BodyLength {
        if let coding {
            // RFC 9112, section 6.1: either may be the sign of a smuggled request.
            guard length == nil, !isHTTP10 else {
                throw HTTPProblem(
                    .badRequest,
                    detail: isHTTP10
                        ? "HTTP/1.0 has no Transfer-Encoding" : "Both Content-Length and Transfer-Encoding"
                )
            }
            guard coding.lowercased() == "chunked" else {
                throw HTTPProblem(.notImplemented, detail: "The only transfer coding that is understood is chunked")
            }
            return .chunked
        }
        guard let length else { return .none }
        // No digit is below zero's, as signs are.
        guard let count = Int(length), let first = length.utf8.first, first >= UInt8(ascii: "0") else {
            throw HTTPProblem(.badRequest, detail: "Content-Length is not a number")
        }
        return count == 0 ? .none : .fixed(count)
    }
}

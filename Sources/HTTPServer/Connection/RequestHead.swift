import NIOHTTP1

/// What a request's head means for its connection.
struct RequestHead {
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

    /// Reads the fields that concern the connection, all in one pass.
    ///
    /// - Throws: Why the request can't be taken. Nothing behind such a head can be trusted to be a request.
    init(_ head: HTTPRequestHead, maximumBodySize: Int) throws(HTTPProblem) {
        var hosts = 0
        var length: String?
        var coding: String?
        var expectation: String?
        var asksForUpgrade = false
        for (name, value) in head.headers {
            switch name.utf8.count {
            case 4 where name.isEqualIgnoringCase(to: "host"): hosts += 1
            case 6 where name.isEqualIgnoringCase(to: "expect"): expectation = value
            case 7 where name.isEqualIgnoringCase(to: "upgrade"): asksForUpgrade = true
            case 14 where name.isEqualIgnoringCase(to: "content-length"):
                guard length == nil else { throw HTTPProblem(.badRequest, detail: "More than one Content-Length") }
                length = value
            case 17 where name.isEqualIgnoringCase(to: "transfer-encoding"):
                guard coding == nil else { throw HTTPProblem(.badRequest, detail: "More than one Transfer-Encoding") }
                coding = value
            default: break
            }
        }
        let isHTTP10 = head.version.minor == 0
        guard hosts == 1 || (hosts == 0 && isHTTP10) else {
            throw HTTPProblem(
                .badRequest,
                detail: hosts == 0 ? "The Host field is missing" : "More than one Host field"
            )
        }

        bodyLength = try Self.bodyLength(length: length, coding: coding, isHTTP10: isHTTP10)
        if case .fixed(let count) = bodyLength, count > maximumBodySize {
            throw .bodyTooLarge(limit: maximumBodySize)
        }
        if let expectation, !isHTTP10 {
            guard expectation.isEqualIgnoringCase(to: "100-continue") else {
                throw HTTPProblem(.expectationFailed, detail: "The only expectation that can be met is 100-continue")
            }
            expectsContinue = bodyLength != .none
        } else {
            expectsContinue = false
        }
        // Behind an offer to change the protocol the decoder reads no more requests.
        if asksForUpgrade || head.method == .CONNECT || !head.isKeepAlive {
            persistence = .close
        } else {
            persistence = isHTTP10 ? .announced : .implicit
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
            guard coding.isEqualIgnoringCase(to: "chunked") else {
                throw HTTPProblem(.notImplemented, detail: "The only transfer coding that is understood is chunked")
            }
            return .chunked
        }
        guard let length else { return .none }
        guard let count = Int(length), count >= 0 else {
            throw HTTPProblem(.badRequest, detail: "Content-Length is not a number")
        }
        return count == 0 ? .none : .fixed(count)
    }
}

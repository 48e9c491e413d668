import NIOCore
package import NIOHTTP1

/// An error as the caller sees it: an RFC 9457 problem document.
package struct HTTPProblem: Error {
    /// The value of an extension member.
    package enum Member: Sendable, Equatable {
        case string(String)
        case integer(Int)
        case null
    }

    /// The status.
    package var status: HTTPResponseStatus

    /// A URI that identifies the kind of problem; `about:blank` says that the status does.
    package var type: String

    /// What is wrong, the same for each problem of a type; with `about:blank` the status' reason phrase.
    package var title: String

    /// What is wrong with this request, for a person.
    package var detail: String?

    /// Further members in their order: `trace_id`, `outcome`, `offset`, …
    package var members: [(name: String, value: Member)]

    /// Header fields that the response has beside `Content-Type`: `Allow`, `Retry-After`, …
    package var headers: ResponseFields

    /// Describes a problem.
    package init(
        _ status: HTTPResponseStatus,
        type: String = "about:blank",
        title: String? = nil,
        detail: String? = nil,
        members: [(name: String, value: Member)] = [],
        headers: ResponseFields = [:]
    ) {
        self.status = status
        self.type = type
        self.title = title ?? status.reasonPhrase
        self.detail = detail
        self.members = members
        self.headers = headers
    }

    /// The response that tells the caller, as `application/problem+json`.
    package func response() -> HTTPResponse {
        var headers = headers
        headers.add("Content-Type", "application/problem+json")
        // Some statuses, 404 among them, may be kept by caches unless it is said.
        headers.add("Cache-Control", "no-store")
        return HTTPResponse(status: status, headers: headers, body: ByteBuffer(string: document))
    }

    private var document: String {
        var text = "{\"type\":"
        JSONText.append(type, to: &text)
        text += ",\"title\":"
        JSONText.append(title, to: &text)
        text += ",\"status\":\(status.code)"
        if let detail {
            text += ",\"detail\":"
            JSONText.append(detail, to: &text)
        }
        for (name, value) in members {
            text += ","
            JSONText.append(name, to: &text)
            text += ":"
            switch value {
            case .string(let string): JSONText.append(string, to: &text)
            case .integer(let integer): text += String(integer)
            case .null: text += "null"
            }
        }
        return text + "}"
    }
}

/// JSON strings as RFC 8259, section 7, wants them.
private enum JSONText {
    static func append(_ string: String, to text: inout String) {
        text += "\""
        for scalar in string.unicodeScalars {
            switch scalar {
            case "\"": text += "\\\""
            case "\\": text += "\\\\"
            case "\n": text += "\\n"
            case "\r": text += "\\r"
            case "\t": text += "\\t"
            case "\u{0}"..<"\u{20}":
                let digits = String(scalar.value, radix: 16)
                text += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: text.unicodeScalars.append(scalar)
            }
        }
        text += "\""
    }
}

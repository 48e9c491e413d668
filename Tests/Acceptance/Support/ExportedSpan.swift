/// A span as the tests' receiver got it.
struct ExportedSpan: Decodable, Sendable {
    enum Kind: String, Decodable, Sendable {
        case `internal`, server, client, producer, consumer
    }

    enum Status: String, Decodable, Sendable {
        case unset, ok, error
    }

    struct Event: Decodable, Sendable {
        let name: String
        let attributes: [String: Value]
    }

    struct Link: Decodable, Hashable, Sendable {
        let traceID: String
        let spanID: String
    }

    let traceID: String
    let spanID: String
    /// Empty at the root of a trace.
    let parentID: String
    let traceState: String
    let flags: UInt32
    let name: String
    let kind: Kind
    /// In nanoseconds since 1970, as is `end`.
    let start: UInt64
    let end: UInt64
    let attributes: [String: Value]
    let events: [Event]
    let links: [Link]
    let status: Status
    let statusMessage: String
    let resource: [String: Value]

    /// What makes the reader of this header a child of the span.
    var traceparent: String {
        let flags = String(flags & 0xFF, radix: 16)
        return "00-\(traceID)-\(spanID)-\(flags.count < 2 ? "0" : "")\(flags)"
    }

    /// Whether its parent is said to be in another process.
    var hasRemoteParent: Bool { flags & 0x200 != 0 }

    /// What links to this span.
    var link: Link { Link(traceID: traceID, spanID: spanID) }
}

extension ExportedSpan {
    /// The value of an attribute.
    enum Value: Decodable, Hashable, Sendable {
        case string(String)
        case int(Int)
        case double(Double)
        case bool(Bool)
        case strings([String])

        init(from decoder: any Decoder) throws {
            let container = try decoder.singleValueContainer()
            if let text = try? container.decode(String.self) {
                self = .string(text)
            } else if let bool = try? container.decode(Bool.self) {
                self = .bool(bool)
            } else if let int = try? container.decode(Int.self) {
                self = .int(int)
            } else if let double = try? container.decode(Double.self) {
                self = .double(double)
            } else {
                self = .strings(try container.decode([String].self))
            }
        }

        var string: String? {
            if case .string(let text) = self { text } else { nil }
        }

        var int: Int? {
            if case .int(let int) = self { int } else { nil }
        }
    }
}

extension ExportedSpan.Value: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral {
    init(stringLiteral text: String) { self = .string(text) }

    init(integerLiteral number: Int) { self = .int(number) }
}

import AsyncHTTPClient
import FoundationEssentials
import Glibc
import NIOCore
import NIOHTTP1
import NIOPosix

/// Why the service did not do what it was asked, or could not be asked.
public struct FrameBufferError: Error, Sendable, CustomStringConvertible {
    /// The kinds of failure.
    public enum Code: Hashable, Sendable {
        /// The service answered with a problem; `status` says which.
        case refused
        /// There was no answer; `isOutcomeUnknown` says whether anything was sent.
        case unreachable
        /// The answer isn't one that a Frame Buffer gives.
        case unexpectedReply
    }

    /// The kind of this failure.
    public let code: Code
    /// The HTTP status; nil where there was no answer.
    public let status: Int?
    /// What kind of problem it is, in a few words.
    public let title: String
    /// What is wrong with this request, for a person.
    public let detail: String?
    /// The trace of the request.
    public let traceID: String?
    /// When the service wants to be asked again.
    public let retryAfter: Duration?
    /// Whether the request may have been carried out although it failed.
    public let isOutcomeUnknown: Bool
    /// What failed below, where it wasn't the service that refused.
    public let underlyingError: (any Error)?

    /// The title and the detail, in one line.
    public var description: String {
        [status.map(String.init), title].compactMap(\.self).joined(separator: " ") + (detail.map { ": \($0)" } ?? "")
    }
}

extension FrameBufferError {
    private struct Problem: Decodable {
        let title: String?
        let detail: String?
        let outcome: String?
        let traceID: String?

        enum CodingKeys: String, CodingKey {
            case title, detail, outcome
            case traceID = "trace_id"
        }
    }

    /// What a reply says that isn't a success, whether or not it is a problem document.
    init(_ reply: FrameBufferClient.Reply) {
        let problem = try? JSONDecoder().decode(Problem.self, from: Data(reply.body.readableBytesView))
        self.init(
            code: .refused,
            status: Int(reply.status.code),
            title: problem?.title ?? reply.status.reasonPhrase,
            detail: problem?.detail,
            traceID: problem?.traceID,
            retryAfter: reply.headers.first(name: "Retry-After").flatMap { Int($0) }.map { .seconds($0) },
            isOutcomeUnknown: problem?.outcome == "unknown",
            underlyingError: nil
        )
    }

    init(unreachable url: String, _ error: any Error) {
        let isUnconnected =
            error is NIOConnectionError || error as? HTTPClientError == .connectTimeout
            || [ECONNREFUSED, EHOSTUNREACH, ENETUNREACH].contains((error as? IOError)?.errnoCode)
        self.init(
            code: .unreachable,
            status: nil,
            title: "no answer from \(url)",
            detail: isUnconnected ? "nothing accepts connections there" : "\(error)",
            traceID: nil,
            retryAfter: nil,
            isOutcomeUnknown: !isUnconnected,
            underlyingError: error
        )
    }

    init(unexpected title: String, _ error: (any Error)? = nil) {
        self.init(
            code: .unexpectedReply,
            status: nil,
            title: title,
            detail: nil,
            traceID: nil,
            retryAfter: nil,
            isOutcomeUnknown: true,
            underlyingError: error
        )
    }
}

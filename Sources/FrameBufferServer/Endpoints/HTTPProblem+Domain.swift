internal import FrameBuffer
internal import HTTPServer
internal import NIOHTTP1
internal import RedisClient

/// What each error is to a caller: the one place where errors become responses.
extension HTTPProblem {
    /// How long, in seconds, a client that is asked to come again should wait.
    private static let pause = "1"

    init(of error: any Error) {
        switch error {
        case let problem as HTTPProblem: self = problem
        case let error as FrameError: self.init(of: error)
        case let error as FrameBufferError: self.init(of: error)
        default: self.init(.internalServerError, detail: "\(error)")
        }
    }

    private init(of error: FrameError) {
        var detail = error.message
        var members: [(name: String, value: Member)] = []
        switch error.place {
        case .index(let index):
            detail = "frame \(index) of the batch: \(detail)"
            members.append(("index", .integer(index)))
        case .line(let line):
            detail = "line \(line): \(detail)"
            members.append(("line", .integer(line)))
        case nil:
            break
        }
        if let offset = error.offset { members.append(("offset", .integer(offset))) }
        self.init(
            .badRequest,
            type: "urn:framebuffer:not-a-frame",
            title: "Not a frame",
            detail: detail,
            members: members
        )
    }

    private init(of error: FrameBufferError) {
        switch error.code {
        case .full:
            self.init(
                .tooManyRequests,
                type: "urn:framebuffer:queue-full",
                title: "Queue full",
                detail: error.message,
                headers: ["Retry-After": Self.pause]
            )
        case .tooLarge:
            self.init(
                .payloadTooLarge,
                type: "urn:framebuffer:larger-than-queue",
                title: "Larger than the queue",
                detail: error.message
            )
        case .tooManyPolls:
            self.init(
                .serviceUnavailable,
                type: "urn:framebuffer:too-many-polls",
                title: "Too many polls",
                detail: error.message,
                headers: ["Retry-After": Self.pause]
            )
        case .redis(let code):
            self.init(
                .serviceUnavailable,
                type: "urn:framebuffer:redis",
                title: Self.title(code),
                detail: error.message,
                members: code == .lostReply ? [("outcome", .string("unknown"))] : [],
                headers: ["Retry-After": Self.pause]
            )
        }
    }

    private static func title(_ code: RedisError.Code) -> String {
        switch code {
        case .away: "Redis is away"
        case .loading: "Redis is loading its data"
        case .readOnly: "Redis is a replica and takes no writes"
        case .outOfMemory: "Redis is out of memory"
        case .refusing: "Redis refuses commands"
        case .wrongType: "The queue's key is of the wrong type"
        case .notPermitted: "Redis does not permit it"
        case .lostReply: "Redis' reply was lost"
        case .overloaded: "Too many commands wait for Redis"
        case .noGroup, .noScript, .protocolViolation, .cancelled, .server: "Redis can't do it"
        }
    }
}

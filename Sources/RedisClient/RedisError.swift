/// What went wrong between us and Redis, by what a caller can do about it.
package struct RedisError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The kinds of failure. Error replies of Redis are told apart by their first word.
    package enum Code: String, Hashable, Sendable {
        /// No connection, and none could be made. Nothing was sent.
        case away
        /// Redis reads its data set from disk (`LOADING`), or a replica waits for its primary (`MASTERDOWN`).
        case loading
        /// The server is a replica (`READONLY`): it was failed over, the primary is elsewhere.
        case readOnly
        /// `OOM`: over `maxmemory`, what would use more is refused.
        case outOfMemory
        /// `MISCONF`, `NOREPLICAS`, `BUSY`: the server is up and takes no write now.
        case refusing
        /// The key holds something that is not a stream (or not what we keep there).
        case wrongType
        /// The consumer group, or the stream under it, is gone (`NOGROUP`, `UNBLOCKED`).
        case noGroup
        /// The script is not in the server's cache. Handled inside, never seen by callers.
        case noScript
        /// `NOAUTH`, `WRONGPASS`, `NOPERM`: the credentials or the rights don't suffice.
        case notPermitted
        /// It was sent and the connection ended before the reply: it may or may not have been executed.
        case lostReply
        /// More is in flight than the bound allows. Nothing was sent.
        case overloaded
        /// What came is not RESP, is larger than the bound, or is not what the command answers.
        case protocolViolation
        /// The caller gave up; the reply will be read and dropped.
        case cancelled
        /// Any other error reply.
        case server
    }

    package var code: Code
    /// For a person; never holds a password.
    package var message: String

    package init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    /// True if the command may have been executed although no reply came.
    package var isOutcomeUnknown: Bool { code == .lostReply }

    package var description: String { "\(code.rawValue): \(message)" }

    /// The error that an error reply of Redis says, e.g. `WRONGTYPE Operation against a key …`.
    init(reply: String, to command: String) {
        let word = reply.prefix { $0 != " " }
        let code: Code =
            switch word {
            case "LOADING", "MASTERDOWN": .loading
            case "READONLY": .readOnly
            case "OOM": .outOfMemory
            case "MISCONF", "NOREPLICAS", "BUSY": .refusing
            case "WRONGTYPE": .wrongType
            case "NOGROUP", "UNBLOCKED": .noGroup
            case "NOSCRIPT": .noScript
            case "NOAUTH", "WRONGPASS", "NOPERM": .notPermitted
            // What XINFO says where others say NOGROUP.
            case "ERR" where reply == "ERR no such key": .noGroup
            default: .server
            }
        self.init(code, "\(command): \(reply)")
    }
}

/// Why there is no embedded Redis, with what to do about it.
package struct EmbeddedRedisError: Error, Hashable, Sendable, CustomStringConvertible {
    package enum Code: Hashable, Sendable {
        /// There is no `redis-server` on this machine.
        case notInstalled
        /// The data directory can't be made or written.
        case directoryUnusable
        /// Another running service has the data directory.
        case directoryInUse
        /// A server that a killed service left behind in the directory doesn't end.
        case leftoverRemains
        /// The server ended before it could serve anything.
        case failedToStart
    }

    package let code: Code
    package let message: String

    package var description: String { message }

    init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }
}

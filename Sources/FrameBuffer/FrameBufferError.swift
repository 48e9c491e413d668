package import RedisClient

/// Why the queue could not do what was asked.
package struct FrameBufferError: Error, Hashable, Sendable {
    /// The kinds of refusal.
    package enum Code: Hashable, Sendable {
        /// The queue holds as many frames as it may. Nothing was written.
        case full
        /// The frame, or the batch, is larger than all that the queue may hold. Nothing was written.
        case tooLarge
        /// As many polls wait as may.
        case tooManyPolls
        /// Redis could not be asked, refused, or answered what can't be.
        case redis(RedisError.Code)
    }

    package let code: Code
    /// For a person.
    package let message: String

    /// A refusal of our own.
    init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    /// What spans call it, in `error.type`.
    package var type: String {
        switch code {
        case .full: "full"
        case .tooLarge: "too_large"
        case .tooManyPolls: "too_many_polls"
        case .redis(let code): "redis." + code.rawValue
        }
    }

    /// What Redis, or the way to it, refused.
    init(_ error: RedisError, key: String) {
        code = .redis(error.code)
        message = error.code == .wrongType ? "the key \(key) holds something that is not a stream" : error.message
    }
}

/// Why a text is no address of a Redis server. Says which part is wrong and repeats none of it: a mistyped URL can have its
/// password anywhere.
package struct RedisAddressError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The part of the URL that is wrong.
    package enum Code: Hashable, Sendable {
        case scheme, credentials, host, port, database, parameter, socketPath
    }

    package let code: Code

    init(_ code: Code) {
        self.code = code
    }

    /// One sentence without a full stop, to follow the setting's name.
    package var description: String {
        switch code {
        case .scheme:
            "it must begin with redis://, rediss:// or unix://"
        case .credentials:
            "what stands before the @ must be user:password or :password, with every % followed by two hexadecimal digits "
                + "(a % itself is %25, a : in the user %3A)"
        case .host:
            "the host must be a name or an address, an IPv6 address in brackets: redis://[::1]:6379"
        case .port:
            "the port must be a number from 1 to 65535 (if a password stands there: it must be followed by @ and the host)"
        case .database:
            "the database must be one number, as in redis://localhost:6379/0 or unix:///run/redis.sock?db=0"
        case .parameter:
            "the only parameter after the ? can be db, as in ?db=0"
        case .socketPath:
            "a unix:// address must name the socket by an absolute path of at most 107 bytes, "
                + "as in unix:///run/redis/redis.sock"
        }
    }
}

/// Where a Redis server is and as whom to talk to it, as a `redis://`, `rediss://` or `unix://` URL says.
package struct RedisAddress: Hashable, Sendable {
    /// What to connect to.
    package enum Endpoint: Hashable, Sendable {
        /// A host name or an IP address (IPv6 without its brackets) and a port.
        case tcp(host: String, port: Int)
        /// The file of a Unix domain socket.
        case unix(path: String)
    }

    /// The port of a URL that names none.
    package static let defaultPort = 6379

    package var endpoint: Endpoint
    /// The ACL user; nil authenticates as Redis' `default` user.
    package var username: String?
    /// The password as it is, percent-decoded; nil where none is to be sent.
    package var password: String?
    /// The number for `SELECT`.
    package var database: Int
    /// Whether the connection is to be encrypted (`rediss://`).
    package var usesTLS: Bool

    package init(
        endpoint: Endpoint,
        username: String? = nil,
        password: String? = nil,
        database: Int = 0,
        usesTLS: Bool = false
    ) {
        self.endpoint = endpoint
        self.username = username
        self.password = password
        self.database = database
        self.usesTLS = usesTLS
    }

    /// Parses a URL:
    ///
    /// - `redis[s]://[[user]:password@]host[:port][/database][?db=database]`
    /// - `unix://[[user]:password@]/path/of/the.sock[?db=database]`
    ///
    /// User, password and path may be percent-encoded. A password that isn't may hold anything but `%` and, in a `unix://`
    /// URL, `@/`: it ends at the last `@`, since the keys that cloud providers hand out hold `/` and `=`.
    ///
    /// - Throws: `RedisAddressError`, which repeats nothing of the URL that could be a secret.
    package init(_ url: String) throws(RedisAddressError) {
        guard let separator = url.firstRange(of: "://") else { throw RedisAddressError(.scheme) }
        let rest = url[separator.upperBound...]
        switch url[..<separator.lowerBound].lowercased() {
        case "redis": try self.init(network: rest, usesTLS: false)
        case "rediss": try self.init(network: rest, usesTLS: true)
        case "unix": try self.init(unix: rest)
        default: throw RedisAddressError(.scheme)
        }
    }
}

// MARK: - The parts of a URL

extension RedisAddress {
    private init(network rest: Substring, usesTLS: Bool) throws(RedisAddressError) {
        var (credentials, location) = (Substring?.none, rest)
        if let end = rest.lastIndex(of: "@") {
            credentials = rest[..<end]
            location = rest[rest.index(after: end)...]
        }
        let (hierarchy, query) = Self.split(location, at: "?")
        let (authority, path) = Self.split(hierarchy, at: "/")
        let (host, port) = try Self.hostAndPort(authority)
        let inPath = try path.flatMap { path throws(RedisAddressError) in
            path.isEmpty ? nil : try Self.database(path)
        }
        let inQuery = try query.map { query throws(RedisAddressError) in try Self.database(inQuery: query) }
        if let inPath, let inQuery, inPath != inQuery { throw RedisAddressError(.database) }

        self.init(endpoint: .tcp(host: host, port: port), database: inPath ?? inQuery ?? 0, usesTLS: usesTLS)
        if let credentials { try setCredentials(credentials) }
    }

    private init(unix rest: Substring) throws(RedisAddressError) {
        var (credentials, location) = (Substring?.none, rest)
        if !rest.hasPrefix("/") {
            guard let end = rest.firstRange(of: "@/") else { throw RedisAddressError(.socketPath) }
            credentials = rest[..<end.lowerBound]
            location = rest[rest.index(after: end.lowerBound)...]
        }
        let (path, query) = Self.split(location, at: "?")
        // 107 bytes and a NUL are what sockaddr_un has room for.
        guard let decoded = Self.percentDecoded(path), decoded.utf8.count <= 107, !decoded.utf8.contains(0),
            decoded != "/"
        else { throw RedisAddressError(.socketPath) }

        self.init(
            endpoint: .unix(path: decoded),
            database: try query.map { query throws(RedisAddressError) in try Self.database(inQuery: query) } ?? 0
        )
        if let credentials { try setCredentials(credentials) }
    }

    private mutating func setCredentials(_ text: Substring) throws(RedisAddressError) {
        guard !text.isEmpty else { return }
        let (user, secret) = Self.split(text, at: ":")
        guard let secret, let user = Self.percentDecoded(user), let secret = Self.percentDecoded(secret) else {
            throw RedisAddressError(.credentials)
        }
        username = user.isEmpty ? nil : user
        // A user without a password is possible (`nopass`) and still needs AUTH; nobody without one does not.
        password = user.isEmpty && secret.isEmpty ? nil : secret
    }

    private static func hostAndPort(_ authority: Substring) throws(RedisAddressError) -> (String, Int) {
        var host = authority
        var port: Substring?
        if authority.hasPrefix("[") {
            guard let end = authority.firstIndex(of: "]") else { throw RedisAddressError(.host) }
            host = authority[authority.index(after: authority.startIndex)..<end]
            let rest = authority[authority.index(after: end)...]
            guard rest.isEmpty || rest.hasPrefix(":") else { throw RedisAddressError(.host) }
            port = rest.isEmpty ? nil : rest.dropFirst()
            guard host.contains(":"), host.utf8.allSatisfy(isAddressByte) else { throw RedisAddressError(.host) }
        } else {
            (host, port) = split(authority, at: ":")
            guard !host.isEmpty, host.utf8.allSatisfy(isNameByte) else { throw RedisAddressError(.host) }
        }
        guard let port, !port.isEmpty else { return (String(host), defaultPort) }
        guard let number = number(port), (1...65535).contains(number) else { throw RedisAddressError(.port) }
        return (String(host), number)
    }

    private static func database(_ text: Substring) throws(RedisAddressError) -> Int {
        guard let number = number(text) else { throw RedisAddressError(.database) }
        return number
    }

    private static func database(inQuery query: Substring) throws(RedisAddressError) -> Int {
        guard query.hasPrefix("db=") else { throw RedisAddressError(.parameter) }
        return try database(query.dropFirst(3))
    }

    private static func split(_ text: Substring, at separator: Character) -> (Substring, Substring?) {
        guard let index = text.firstIndex(of: separator) else { return (text, nil) }
        return (text[..<index], text[text.index(after: index)...])
    }

    /// Digits alone: `Int` would also take a sign.
    private static func number(_ text: Substring) -> Int? {
        text.utf8.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) } ? Int(text) : nil
    }

    private static func isNameByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"):
            true
        default: false
        }
    }

    /// Also what an address of one interface needs, e.g. `fe80::1%eth0`.
    private static func isAddressByte(_ byte: UInt8) -> Bool {
        isNameByte(byte) || byte == UInt8(ascii: ":") || byte == UInt8(ascii: "%")
    }

    /// Nil where a `%` isn't followed by two hexadecimal digits, or the bytes aren't UTF-8.
    private static func percentDecoded(_ text: Substring) -> String? {
        var bytes: [UInt8] = []
        var rest = text.utf8[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            guard let high = rest.popFirst().flatMap(hexadecimalDigit),
                let low = rest.popFirst().flatMap(hexadecimalDigit)
            else { return nil }
            bytes.append(high << 4 | low)
        }
        return String(validating: bytes, as: UTF8.self)
    }

    private static func hexadecimalDigit(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
        default: nil
        }
    }
}

// MARK: - For people, without the secret

extension RedisAddress: CustomStringConvertible, CustomReflectable {
    /// The URL with `***` for the password, fit for logs.
    package var description: String {
        let credentials = password == nil ? "" : "\(username ?? ""):***@"
        switch endpoint {
        case .tcp(let host, let port):
            let host = host.contains(":") ? "[\(host)]" : host
            let path = database == 0 ? "" : "/\(database)"
            return "\(usesTLS ? "rediss" : "redis")://\(credentials)\(host):\(port)\(path)"
        case .unix(let path):
            return "unix://\(credentials)\(path)\(database == 0 ? "" : "?db=\(database)")"
        }
    }

    /// `dump` and string interpolation of what holds an address must not show the password either.
    package var customMirror: Mirror { Mirror(self, children: ["url": description]) }
}

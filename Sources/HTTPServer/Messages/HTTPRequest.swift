package import NIOCore
package import NIOHTTP1

/// A whole request: its body has arrived.
///
/// It is an object, as all that a request's task awaits would hold a copy of a struct of its size.
package final class HTTPRequest: Sendable {
    /// The method, also one that NIO has no case for.
    package let method: HTTPMethod

    /// The protocol's version, 1.0 or 1.1.
    package let version: HTTPVersion

    /// The target's path as it was sent, percent-encoded and without the query; `*` for `OPTIONS *`.
    package let path: String

    /// The target's query.
    package let query: QueryParameters

    /// What the path has in the places of its pattern's parameters; none until a router has found that.
    package let pathParameters: PathParameters

    /// The header fields as they came.
    package let headers: RequestFields

    /// The body; empty where there was none.
    package let body: ByteBuffer

    /// Where the connection came from.
    package let remoteAddress: PeerAddress?

    /// When the head was read, in nanoseconds since 1970.
    package let receivedAt: UInt64

    /// Whether the server has begun to stop: readiness is to be answered with 503.
    package let isServerStopping: Bool

    /// Makes a request, for tests of responders among others.
    ///
    /// - Parameters:
    ///   - target: The request target in origin form (`/path?query`), absolute form (`http://host/path`) or `*`.
    ///   - receivedAt: Nanoseconds since 1970.
    package init(
        method: HTTPMethod,
        target: String,
        version: HTTPVersion = .http1_1,
        headers: RequestFields = [:],
        body: ByteBuffer = ByteBuffer(),
        remoteAddress: PeerAddress? = nil,
        receivedAt: UInt64 = 0,
        isServerStopping: Bool = false
    ) {
        self.method = method
        self.version = version
        self.headers = headers
        self.body = body
        self.remoteAddress = remoteAddress
        self.receivedAt = receivedAt
        self.isServerStopping = isServerStopping
        pathParameters = PathParameters()

        var target = Self.originForm(of: target)
        if let length = target.withUTF8({ $0.firstIndex(of: UInt8(ascii: "?")) }) {
            let mark = target.utf8.index(target.startIndex, offsetBy: length)
            path = String(target[..<mark])
            query = QueryParameters(String(target[target.utf8.index(after: mark)...]))
        } else {
            path = target
            query = QueryParameters("")
        }
    }

    private init(_ other: HTTPRequest, pathParameters: PathParameters, isServerStopping: Bool) {
        method = other.method
        path = other.path
        query = other.query
        headers = other.headers
        body = other.body
        remoteAddress = other.remoteAddress
        receivedAt = other.receivedAt
        version = other.version
        self.pathParameters = pathParameters
        self.isServerStopping = isServerStopping
    }

    /// The same request, with what a router found in its path.
    package func with(_ parameters: PathParameters) -> HTTPRequest {
        HTTPRequest(self, pathParameters: parameters, isServerStopping: isServerStopping)
    }

    /// The same request, to a server that has begun to stop.
    func whileStopping() -> HTTPRequest {
        HTTPRequest(self, pathParameters: pathParameters, isServerStopping: true)
    }

    /// RFC 9112, section 3.2.2: a server must take the absolute form too, although only proxies are sent it.
    private static func originForm(of target: String) -> String {
        if target.utf8.first == UInt8(ascii: "/") { return target }
        let bytes = target.utf8
        guard let colon = bytes.firstIndex(of: UInt8(ascii: ":")), bytes[colon...].starts(with: "://".utf8) else {
            return target
        }
        let authority = bytes[bytes.index(colon, offsetBy: 3)...]
        guard let end = authority.firstIndex(where: { $0 == UInt8(ascii: "/") || $0 == UInt8(ascii: "?") }) else {
            return "/"
        }
        let rest = String(target[end...])
        return bytes[end] == UInt8(ascii: "?") ? "/" + rest : rest
    }
}

internal import NIOCore

/// Where a connection came from, as text, made once a connection.
package struct PeerAddress: Hashable, Sendable {
    /// The IP address.
    package let host: String
    /// The TCP port.
    package let port: Int

    init?(_ address: SocketAddress) {
        guard let host = address.ipAddress, let port = address.port else { return nil }
        self.host = host
        self.port = port
    }
}

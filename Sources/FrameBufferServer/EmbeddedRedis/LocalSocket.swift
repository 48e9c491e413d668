import Glibc

/// A connection to whoever listens on a Unix domain socket, for the few words said to a server that nobody owns.
struct LocalSocket: ~Copyable {
    let descriptor: CInt

    /// The bytes that a path may have: a NUL ends it in `sockaddr_un`.
    static let longestPath = MemoryLayout.size(ofValue: sockaddr_un().sun_path) - 1

    /// Connects without waiting.
    ///
    /// - Returns: nil where nobody listens, or nobody can be reached at once.
    static func connect(to path: String) -> LocalSocket? {
        guard path.utf8.count <= longestPath else { return nil }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        let type = SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue
        let descriptor = Glibc.socket(AF_UNIX, CInt(type), 0)
        guard descriptor >= 0 else { return nil }
        let socket = LocalSocket(descriptor: descriptor)
        let result = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                Glibc.connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        guard result == 0 else { return nil }
        return socket
    }

    private init(descriptor: CInt) {
        self.descriptor = descriptor
    }

    deinit { close(descriptor) }

    /// The process that listens; nil where it is out of sight, in another PID namespace.
    var peer: pid_t? {
        // `struct ucred`, which the C library declares under _GNU_SOURCE only.
        var credentials: (process: pid_t, user: uid_t, group: gid_t) = (0, 0, 0)
        var size = socklen_t(MemoryLayout.size(ofValue: credentials))
        guard getsockopt(descriptor, SOL_SOCKET, SO_PEERCRED, &credentials, &size) == 0, credentials.process > 0 else {
            return nil
        }
        return credentials.process
    }

    /// Sends what fits into the socket's buffer.
    func send(_ text: String) {
        var text = text
        text.withUTF8 { _ = Glibc.send(descriptor, $0.baseAddress, $0.count, CInt(MSG_NOSIGNAL)) }
    }
}

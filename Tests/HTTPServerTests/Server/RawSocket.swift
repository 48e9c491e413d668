import CTCPInfo
import NIOPosix

#if canImport(Musl)
    import Musl
#else
    import Glibc
#endif

/// A plain TCP client socket, for what no HTTP client would do. It is used by one test at a time.
final class RawSocket: Sendable {
    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    /// How a peer's output ended.
    enum End: Equatable {
        case orderly
        case reset
    }

    private let descriptor: Int32

    /// Blocking calls have threads of their own, and enough of them that tests in parallel don't wait for each other.
    private static let threads: NIOThreadPool = {
        let threads = NIOThreadPool(numberOfThreads: 64)
        threads.start()
        return threads
    }()

    /// Connects to a port of the loopback.
    ///
    /// - Parameter receiveBuffer: Bytes that the kernel takes in for a client that doesn't read; `nil`: its default.
    init(port: Int, receiveBuffer: Int32? = nil) throws {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        if var size = receiveBuffer {
            setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &size, socklen_t(MemoryLayout<Int32>.size))
        }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(UInt16(port).bigEndian)
        address.sin_addr.s_addr = inet_addr("127.0.0.1")
        let result = withUnsafeBytes(of: &address) { bytes in
            connect(descriptor, bytes.assumingMemoryBound(to: sockaddr.self).baseAddress, socklen_t(bytes.count))
        }
        guard result == 0 else { throw Failure(description: "connect: errno \(errno)") }
    }

    /// Sends all of the text; waits while the peer doesn't take it.
    func send(_ text: String) async throws {
        try await onThread {
            var rest = Array(text.utf8)[...]
            while !rest.isEmpty {
                let count = rest.withUnsafeBytes {
                    Glibc.send(self.descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
                }
                guard count > 0 else { throw Failure(description: "send: errno \(errno)") }
                rest = rest.dropFirst(count)
            }
        }
    }

    /// Receives until that much has come.
    func receive(count: Int) async throws -> String {
        try await receive { $0.count >= count }
    }

    /// Receives until what has come ends with the text.
    func receive(through end: String) async throws -> String {
        try await receive { $0.suffix(end.utf8.count).elementsEqual(end.utf8) }
    }

    /// Receives until the text has come so often.
    func receive(_ text: String, times: Int) async throws -> String {
        try await receive { String(decoding: $0, as: UTF8.self).occurrences(of: text) >= times }
    }

    private func receive(until isEnough: @escaping @Sendable ([UInt8]) -> Bool) async throws -> String {
        try await onThread {
            var bytes: [UInt8] = []
            while !isEnough(bytes) {
                guard let more = try self.receiveSome(), !more.isEmpty else {
                    throw Failure(description: "ended after: " + String(decoding: bytes, as: UTF8.self))
                }
                bytes += more
            }
            return String(decoding: bytes, as: UTF8.self)
        }
    }

    /// Receives until the peer has ended.
    func receiveAll() async throws -> (text: String, end: End) {
        try await onThread {
            var bytes: [UInt8] = []
            while let more = try self.receiveSome() {
                if more.isEmpty { return (String(decoding: bytes, as: UTF8.self), .orderly) }
                bytes += more
            }
            return (String(decoding: bytes, as: UTF8.self), .reset)
        }
    }

    /// What has come already, without waiting.
    func receiveNow() -> String {
        var bytes = [UInt8](repeating: 0, count: 65_536)
        let count = recv(descriptor, &bytes, bytes.count, Int32(MSG_DONTWAIT))
        return String(decoding: bytes[..<max(count, 0)], as: UTF8.self)
    }

    /// Closes the sending half.
    func shutdownOutput() {
        shutdown(descriptor, Int32(SHUT_WR))
    }

    /// Closes; a reset if there is anything unread.
    func close() {
        Glibc.close(descriptor)
    }

    /// Closes with a reset.
    func reset() {
        var option = ctcp_linger(is_on: 1, seconds: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &option, socklen_t(MemoryLayout<ctcp_linger>.size))
        close()
    }

    /// What comes next; empty at the end, `nil` after a reset.
    private func receiveSome() throws -> [UInt8]? {
        var ready = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        guard poll(&ready, 1, 20_000) == 1 else { throw Failure(description: "nothing came for 20 s") }
        var bytes = [UInt8](repeating: 0, count: 65_536)
        let count = recv(descriptor, &bytes, bytes.count, 0)
        if count < 0 {
            guard errno == ECONNRESET else { throw Failure(description: "recv: errno \(errno)") }
            return nil
        }
        return Array(bytes[..<count])
    }

    private func onThread<Result: Sendable>(_ body: @escaping @Sendable () throws -> Result) async throws -> Result {
        try await Self.threads.runIfActive(body)
    }
}

extension String {
    /// How often the text occurs.
    func occurrences(of text: String) -> Int {
        split(separator: text, omittingEmptySubsequences: false).count - 1
    }
}

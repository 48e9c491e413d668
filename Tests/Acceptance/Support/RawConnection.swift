import Foundation

/// A TCP connection to the service in the hands of a test: sends what it likes, closes or resets when it likes.
///
/// Its calls block; they are for ``blocking(_:)`` and for short waits.
final class RawConnection: @unchecked Sendable {
    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    // Used by one test at a time.
    private var descriptor: Int32
    private var received: [UInt8] = []

    /// Connects to a port on loopback.
    init(port: Int) throws {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(UInt16(port).bigEndian)
        address.sin_addr.s_addr = inet_addr("127.0.0.1")
        let result = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard result == 0 else { throw Failure(description: "connect: \(String(cString: strerror(errno)))") }
        var one: Int32 = 1
        setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &one, socklen_t(MemoryLayout<Int32>.size))
    }

    deinit { close() }

    /// Runs what blocks on a thread of its own.
    static func blocking<Value: Sendable>(_ body: @escaping @Sendable () throws -> Value) async throws -> Value {
        try await withCheckedThrowingContinuation { continuation in
            Thread.detachNewThread { continuation.resume(with: Result(catching: body)) }
        }
    }

    /// Sends all of it.
    func send(_ bytes: [UInt8]) throws {
        var sent = 0
        while sent < bytes.count {
            let count = bytes[sent...].withUnsafeBytes {
                Foundation.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else { throw Failure(description: "send: \(String(cString: strerror(errno)))") }
            sent += count
        }
    }

    func send(_ text: String) throws { try send(Array(text.utf8)) }

    /// The next response, read to the end of its `Content-Length`; nil where the connection ended before its first byte.
    ///
    /// - Parameter limit: how long to wait for each read, in seconds.
    func response(within limit: Double = 10, toHead: Bool = false) throws -> Reply? {
        while true {
            if let reply = try parse(toHead: toHead) { return reply }
            guard try receive(within: limit) else {
                guard received.isEmpty else { throw Failure(description: "the connection ended within a response") }
                return nil
            }
        }
    }

    /// Waits until something comes, if only the end, but no longer than `limit`; returns whether it came.
    func hasInput(within limit: Duration) -> Bool {
        // Not poll: its time is in milliseconds.
        precondition(descriptor < FD_SETSIZE)
        var set = fd_set()
        withUnsafeMutableBytes(of: &set) { $0[Int(descriptor) / 8] |= 1 << (descriptor % 8) }
        let (seconds, attoseconds) = limit.components
        var time = timeval(tv_sec: Int(seconds), tv_usec: Int(attoseconds / 1_000_000_000_000))
        return select(descriptor + 1, &set, nil, nil, &time) > 0
    }

    /// Whether the peer has closed; waits for that up to `limit` seconds.
    func isClosed(within limit: Double) -> Bool {
        do {
            while try receive(within: limit) {}
            return true
        } catch {
            return errno == ECONNRESET
        }
    }

    /// Closes its sending half: a FIN.
    func shutdownSending() { shutdown(descriptor, Int32(SHUT_WR)) }

    /// Closes it in order, unless unread bytes make the kernel reset it.
    func close() {
        guard descriptor >= 0 else { return }
        Foundation.close(descriptor)
        descriptor = -1
    }

    /// Resets it: a RST.
    func reset() {
        guard descriptor >= 0 else { return }
        var linger = linger(l_onoff: 1, l_linger: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &linger, socklen_t(MemoryLayout<Foundation.linger>.size))
        close()
    }

    private func receive(within limit: Double) throws -> Bool {
        var time = timeval(tv_sec: Int(limit), tv_usec: Int((limit - limit.rounded(.down)) * 1_000_000))
        if time.tv_sec == 0, time.tv_usec == 0 { time.tv_usec = 1 }
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &time, socklen_t(MemoryLayout<timeval>.size))
        var buffer = [UInt8](repeating: 0, count: 65_536)
        let count = recv(descriptor, &buffer, buffer.count, 0)
        guard count >= 0 else { throw Failure(description: "receive: \(String(cString: strerror(errno)))") }
        received += buffer[..<count]
        return count > 0
    }

    private func parse(toHead: Bool) throws -> Reply? {
        guard let end = received.firstRange(of: Array("\r\n\r\n".utf8)) else { return nil }
        let lines = String(decoding: received[..<end.lowerBound], as: UTF8.self).components(separatedBy: "\r\n")
        guard let status = lines[0].split(separator: " ").dropFirst().first.flatMap({ Int($0) }) else {
            throw Failure(description: "no status line: \(lines[0])")
        }
        let headers = lines.dropFirst().map { line in
            let colon = line.firstIndex(of: ":") ?? line.endIndex
            return (String(line[..<colon]), line[colon...].dropFirst().trimmingCharacters(in: .whitespaces))
        }
        let length = headers.first { $0.0.lowercased() == "content-length" }.flatMap { Int($0.1) } ?? 0
        let bodyLength = toHead || status < 200 || status == 204 ? 0 : length
        guard received.count >= end.upperBound + bodyLength else { return nil }
        let body = Array(received[end.upperBound..<end.upperBound + bodyLength])
        received.removeFirst(end.upperBound + bodyLength)
        return Reply(status: status, headers: headers, body: body)
    }
}

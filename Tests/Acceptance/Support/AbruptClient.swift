import Glibc

/// A client that leaves at whatever moment and in whatever way a test wants, and knows what it has read by then.
///
/// It waits for nothing but for what says so. Used by one thread at a time.
final class AbruptClient {
    struct Failure: Error, CustomStringConvertible {
        let description: String

        init(_ call: String) { description = "\(call): \(String(cString: strerror(errno)))" }
    }

    /// What it reads of an answer.
    struct Answer {
        let status: Int
        /// Of the frame in it, if there is one.
        let frameID: String?
        let deliveries: Int?
    }

    private var descriptor: CInt
    private var holder: pid_t?
    private var received: [UInt8] = []
    /// Whether nothing more can come.
    private(set) var hasEnded = false

    /// Connects to a port on loopback.
    ///
    /// - Parameters:
    ///   - isProcess: whether the connection is to be a process's of its own, which never reads and can be killed.
    ///   - receiveBuffer: bytes that the kernel takes in for a client that doesn't read; nil for its default.
    init(port: Int, isProcess: Bool = false, receiveBuffer: CInt? = nil) throws {
        descriptor = socket(AF_INET, CInt(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { throw Failure("socket") }
        if let receiveBuffer { set(SOL_SOCKET, SO_RCVBUF, receiveBuffer) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(UInt16(port).bigEndian)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        let result = withUnsafeBytes(of: &address) { bytes in
            connect(descriptor, bytes.assumingMemoryBound(to: sockaddr.self).baseAddress, socklen_t(bytes.count))
        }
        guard result == 0 else { throw Failure("connect") }
        set(CInt(IPPROTO_TCP), TCP_NODELAY, CInt(1))
        if isProcess { try handOver() }
    }

    deinit {
        close()
        kill()
    }

    // MARK: Sending and reading

    func send(_ text: String) throws {
        var text = text
        let sent = text.withUTF8 { Glibc.send(descriptor, $0.baseAddress, $0.count, CInt(MSG_NOSIGNAL)) }
        guard sent == text.utf8.count else { throw Failure("send") }
    }

    /// Takes in what has come already.
    func readNow() {
        while receive(CInt(MSG_DONTWAIT)) {}
    }

    /// The next complete answer of those that were read.
    func answer() -> Answer? {
        guard let end = Self.find("\r\n\r\n", in: received[...]) else { return nil }
        let head = String(decoding: received[..<end], as: UTF8.self).lowercased()
        guard let status = head.split(separator: " ").dropFirst().first.flatMap({ Int($0) }) else { return nil }
        let length = head.split(separator: "\r\n").first { $0.hasPrefix("content-length: ") }
            .flatMap { Int($0.dropFirst(16)) }
        let bodyEnd = end + 4 + (length ?? 0)
        guard received.count >= bodyEnd else { return nil }
        let answer = Answer(
            status: status,
            frameID: Self.text(after: #""frame_id":""#, in: received[end...]),
            deliveries: Self.text(after: #""deliveries":"#, in: received[end...]).flatMap { Int($0) }
        )
        received.removeFirst(bodyEnd)
        return answer
    }

    /// The frame in what has come and was not read. It stays unread: for the kernel nothing has happened.
    func unreadFrameID() -> String? {
        var bytes = [UInt8](repeating: 0, count: 4096)
        let count = recv(descriptor, &bytes, bytes.count, CInt(MSG_PEEK | MSG_DONTWAIT))
        return Self.text(after: #""frame_id":""#, in: bytes[..<max(0, count)])
    }

    /// Waits for an answer; nil where the connection ends before, or the time is over.
    func answer(within limit: Duration) -> Answer? {
        let clock = ContinuousClock()
        let end = clock.now + limit
        readNow()
        while true {
            if let answer = answer() { return answer }
            let left = clock.now.duration(to: end)
            guard !hasEnded, left > .zero else { return nil }
            var ready = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
            let (seconds, attoseconds) = left.components
            Glibc.poll(&ready, 1, CInt(seconds * 1000 + attoseconds / 1_000_000_000_000_000 + 1))
            readNow()
        }
    }

    // MARK: Leaving

    /// Closes its sending half: a FIN.
    func shutdownSending() {
        shutdown(descriptor, CInt(SHUT_WR))
    }

    /// Closes: a FIN, unless bytes that nobody read make it a reset.
    func close() {
        guard descriptor >= 0 else { return }
        Glibc.close(descriptor)
        descriptor = -1
    }

    /// Closes with a reset.
    func reset() {
        set(SOL_SOCKET, SO_LINGER, linger(l_onoff: 1, l_linger: 0))
        close()
    }

    /// Kills the process whose connection it is, as `kill -9` does.
    func kill() {
        guard let holder else { return }
        // The process is the last one to have the connection open: its death, and nothing else, is what ends it.
        close()
        Glibc.kill(holder, SIGKILL)
        while waitpid(holder, nil, 0) < 0, errno == EINTR {}
        self.holder = nil
    }

    // MARK: -

    private func receive(_ flags: CInt) -> Bool {
        withUnsafeTemporaryAllocation(byteCount: 65_536, alignment: 1) { bytes in
            let count = recv(descriptor, bytes.baseAddress, bytes.count, flags)
            guard count > 0 else {
                if count == 0 || (errno != EAGAIN && errno != EINTR) { hasEnded = true }
                return false
            }
            received.append(contentsOf: bytes[..<count])
            return true
        }
    }

    /// A process that does nothing gets the connection as its standard input, and no other descriptor of ours.
    private func handOver() throws {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_adddup2(&actions, descriptor, 0)
        for other in CInt(1)..<1024 { posix_spawn_file_actions_addclose(&actions, other) }
        var words = ["sleep", "120"].map { (word: String) in strdup(word) } + [nil]
        defer { words.forEach { free($0) } }
        var process = pid_t()
        errno = posix_spawnp(&process, "sleep", &actions, nil, &words, environ)
        guard errno == 0 else { throw Failure("spawn") }
        holder = process
    }

    private func set<Value>(_ level: CInt, _ option: CInt, _ value: Value) {
        withUnsafeBytes(of: value) { _ = setsockopt(descriptor, level, option, $0.baseAddress, socklen_t($0.count)) }
    }

    private static func find(_ text: StaticString, in bytes: ArraySlice<UInt8>) -> Int? {
        bytes.withUnsafeBytes { buffer in
            var rest = buffer[...]
            while rest.count >= text.utf8CodeUnitCount, let base = UnsafeRawBufferPointer(rebasing: rest).baseAddress,
                let place = memchr(base, CInt(text.utf8Start.pointee), rest.count)
            {
                rest = rest.dropFirst(UnsafeRawPointer(place) - base)
                guard rest.count >= text.utf8CodeUnitCount else { break }
                if memcmp(place, text.utf8Start, text.utf8CodeUnitCount) == 0 {
                    return bytes.startIndex + rest.startIndex
                }
                rest = rest.dropFirst()
            }
            return nil
        }
    }

    private static func text(after name: StaticString, in bytes: ArraySlice<UInt8>) -> String? {
        guard let place = find(name, in: bytes) else { return nil }
        let rest = bytes[(place + name.utf8CodeUnitCount)...].prefix(200)
        return String(decoding: rest.prefix { !#"",}"#.utf8.contains($0) }, as: UTF8.self)
    }
}

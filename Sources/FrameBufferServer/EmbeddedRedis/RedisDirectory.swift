import Glibc
import Logging

/// The data directory of an embedded Redis: who has it, and how its server is reached and ended.
///
/// Two locks are in it. `framebuffer.lock` is held by the service, so that there is one only. `redis.lock` is held by the
/// server, which gets it as its standard input: while it is taken, a server is alive, whoever started it.
final class RedisDirectory: Sendable {
    let path: String
    /// Where to connect to the server; short enough for a socket's address.
    let socketPath: String

    private let serviceLock: FileLock
    /// Keeps the directory open for a socket path that goes through it.
    private let handle: CInt?

    /// How long a server may take to end before it is killed, and again before that is given up.
    private static let patience = Duration.seconds(5)

    /// Makes the directory where it is missing, and takes it for this service until the end of this object.
    ///
    /// - Throws: `EmbeddedRedisError` where it can't be used, or another service has it.
    init(path: String) throws(EmbeddedRedisError) {
        self.path = path
        let lockPath = "\(path)/framebuffer.lock"
        let lock: FileLock?
        do throws(SystemError) {
            try Self.makeDirectories(path)
            lock = try FileLock.take(lockPath)
        } catch {
            throw Self.unusable(error)
        }
        guard let lock else { throw Self.inUse(path, by: FileLock.read(lockPath)) }
        lock.write(String(getpid()))
        serviceLock = lock

        let direct = "\(path)/redis.sock"
        guard direct.utf8.count > LocalSocket.longestPath else {
            handle = nil
            socketPath = direct
            return
        }
        let handle = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard handle >= 0 else { throw Self.unusable(SystemError("open \(path)")) }
        self.handle = handle
        socketPath = "/proc/self/fd/\(handle)/redis.sock"
    }

    deinit {
        if let handle { close(handle) }
    }

    /// Whether the socket's path goes through a descriptor, as the directory's own is too long.
    var isReachedThroughDescriptor: Bool { handle != nil }

    /// Waits until no server is alive in the directory, ending the one that is: first by its own `SHUTDOWN`, which keeps
    /// every frame, and if it doesn't listen to that, by a signal.
    ///
    /// - Returns: the lock that the next server is to hold.
    /// - Throws: `EmbeddedRedisError` where a server stays, `CancellationError`.
    func claimServer(logger: Logger) async throws -> FileLock {
        let lockPath = "\(path)/redis.lock"
        let clock = ContinuousClock()
        let begin = clock.now
        var wasAsked = false
        var wasKilled = false
        while true {
            do throws(SystemError) {
                if let lock = try FileLock.take(lockPath) { return lock }
            } catch {
                throw Self.unusable(error)
            }
            let waited = begin.duration(to: clock.now)
            if !wasAsked, let socket = LocalSocket.connect(to: socketPath) {
                logger.notice(
                    "Ending the redis-server that a former service left behind",
                    metadata: ["directory": "\(path)"]
                )
                socket.send("SHUTDOWN NOSAVE\r\n")
                wasAsked = true
            } else if waited > Self.patience, !wasKilled, let process = LocalSocket.connect(to: socketPath)?.peer {
                logger.warning("The redis-server that was left behind does not end, killing it")
                kill(process, SIGKILL)
                wasKilled = true
            } else if waited > Self.patience * 2 {
                throw EmbeddedRedisError(
                    .leftoverRemains,
                    "a redis-server that a former service left behind in \(path) does not end. End it, then start again"
                )
            }
            try await Task.sleep(for: .milliseconds(10))
        }
    }

    private static func makeDirectories(_ path: String) throws(SystemError) {
        for end in path.indices.dropFirst() where path[end] == "/" { mkdir(String(path[..<end]), 0o755) }
        guard mkdir(path, 0o700) == 0 || errno == EEXIST else { throw SystemError("make \(path)") }
    }

    private static func unusable(_ error: SystemError) -> EmbeddedRedisError {
        EmbeddedRedisError(
            .directoryUnusable,
            "the embedded Redis can't use its directory: \(error). Give it one that it can write with FRAMEBUFFER_DATA_DIR"
        )
    }

    private static func inUse(_ path: String, by holder: String) -> EmbeddedRedisError {
        EmbeddedRedisError(
            .directoryInUse,
            "another framebuffer\(holder.isEmpty ? "" : " (process \(holder))") keeps its frames in \(path). Stop it, or give "
                + "this one a directory of its own with FRAMEBUFFER_DATA_DIR, or give both one Redis with REDIS_URL"
        )
    }
}

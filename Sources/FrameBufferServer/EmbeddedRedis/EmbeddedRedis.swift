import Glibc
package import Logging
package import RedisClient
import ServiceLifecycle
import Subprocess
import SystemPackage

/// A private `redis-server` for a service without `REDIS_URL`: reached by a Unix socket only, its frames in an append-only file
/// in the data directory.
///
/// It lives in a session of its own, so that a signal from the terminal ends us but not it: it is stopped last, when nobody
/// needs it any more. One that dies by itself is started again.
package actor EmbeddedRedis: Service {
    /// What a server that ran said, and how it ended.
    private struct Life {
        var wasReady = false
        /// The last lines of its log, without who and when.
        var lines: [Substring] = []

        mutating func note(_ line: String) {
            wasReady = wasReady || line.lowercased().contains("ready to accept connections")
            // 123:M 01 Mar 2026 09:30:00.250 * What it says
            let fields = line.split(separator: " ", maxSplits: 6)
            guard let text = fields.count < 6 || fields[5].count > 1 ? line[...] : fields.dropFirst(6).first else {
                return
            }
            lines = lines.suffix(3) + [text]
        }
    }

    private let path: String
    private let environment: Subprocess.Environment
    private let logger: Logger
    private var directory: RedisDirectory?

    /// How long the server may take to stop before it is killed. What it has accepted is in its file by then.
    private static let stopPatience = Duration.seconds(3)
    /// The wait before a server that died is started again: doubled each time, up to the second value.
    private static let restartDelays = (first: Duration.milliseconds(100), last: Duration.seconds(5))

    /// - Parameters:
    ///   - directory: the data directory, made where it is missing. Each service needs one of its own.
    ///   - searchPath: the value of `PATH`; the usual places are looked through after it.
    package init(directory: String, searchPath: String?, logger: Logger) {
        let places = [searchPath ?? "", "/usr/local/bin", "/usr/bin", "/usr/local/sbin", "/usr/sbin"]
        self.init(directory: directory, placesOfServer: places, logger: logger)
    }

    init(directory: String, placesOfServer: [String], logger: Logger) {
        self.path = directory
        // Nothing else of our environment, which may hold secrets.
        self.environment = .custom(["PATH": placesOfServer.joined(separator: ":")])
        self.logger = logger
    }

    /// Takes the data directory, ends a server that a killed service left in it, and says where the new one will listen. The
    /// server itself lives within `run()`.
    ///
    /// - Throws: `EmbeddedRedisError`, `CancellationError`.
    package func start() async throws -> RedisAddress {
        do {
            _ = try await Executable.name("redis-server").resolveExecutablePath(in: environment)
        } catch {
            throw EmbeddedRedisError(
                .notInstalled,
                "there is no redis-server on this machine for the embedded Redis. Install one (apt-get install redis-server), or "
                    + "set REDIS_URL to a Redis that runs elsewhere"
            )
        }
        let directory = try RedisDirectory(path: path)
        _ = try await directory.claimServer(logger: logger)
        if directory.isReachedThroughDescriptor {
            logger.notice(
                "The path of the data directory is too long for a socket, so the embedded Redis is reached through a descriptor",
                metadata: ["directory": "\(path)", "socket": "\(directory.socketPath)"]
            )
        }
        let address = RedisAddress(endpoint: .unix(path: directory.socketPath))
        self.directory = directory
        return address
    }

    /// Runs the server until the graceful shutdown, and starts it again when it dies. Call `start()` first.
    ///
    /// - Throws: `EmbeddedRedisError` where the first server ends before it was ready.
    package func run() async throws {
        defer { directory = nil }
        try await cancelWhenGracefulShutdown { try await self.runUntilCancelled() }
    }

    private func runUntilCancelled() async throws {
        let clock = ContinuousClock()
        var delay = Self.restartDelays.first
        var wasReady = false
        while !Task.isCancelled {
            let begin = clock.now
            let end: String
            do {
                let (life, status) = try await live()
                guard !Task.isCancelled else { break }
                wasReady = wasReady || life.wasReady
                end = Self.text(of: status, life.lines)
            } catch {
                guard !Task.isCancelled else { break }
                end = "\(error)"
            }
            guard wasReady else {
                throw EmbeddedRedisError(
                    .failedToStart,
                    "the embedded Redis in \(path) did not start, it ended with \(end)"
                )
            }
            if begin.duration(to: clock.now) > Self.restartDelays.last { delay = Self.restartDelays.first }
            logger.error(
                "The embedded Redis ended by itself, starting it again",
                metadata: ["end": "\(end)", "delay": "\(delay.unitText)"]
            )
            try? await Task.sleep(for: delay)
            delay = min(delay * 2, Self.restartDelays.last)
        }
        logger.info("The embedded Redis is stopped")
    }

    /// One server, from its start to its end; a cancelled task stops it.
    private func live() async throws -> (Life, TerminationStatus) {
        guard let lock = try await directory?.claimServer(logger: logger).release() else { throw CancellationError() }
        var options = PlatformOptions()
        options.createSession = true
        options.teardownSequence = [.send(signal: .terminate, allowedDurationToNextStep: Self.stopPatience)]
        let logger = logger
        let result = try await Subprocess.run(
            .name("redis-server"),
            arguments: Arguments(arguments),
            environment: environment,
            platformOptions: options,
            input: .fileDescriptor(FileDescriptor(rawValue: lock), closeAfterSpawningProcess: true),
            output: .sequence,
            error: .combinedWithOutput
        ) { execution in
            logger.info("The embedded Redis runs", metadata: ["process": "\(execution.processIdentifier)"])
            var life = Life()
            for try await line in execution.standardOutput.strings() {
                logger.debug("redis-server: \(line)")
                life.note(line)
            }
            return life
        }
        return (result.closureResult, result.terminationStatus)
    }

    private var arguments: [String] {
        [
            "--port", "0", "--unixsocket", "redis.sock", "--unixsocketperm", "700", "--dir", path,
            "--appendonly", "yes", "--appendfsync", "everysec", "--save", "", "--daemonize", "no", "--logfile", "",
        ]
    }

    private static func text(of status: TerminationStatus, _ lines: [Substring]) -> String {
        switch status {
        case .exited(let code): "exit code \(code): \(lines.joined(separator: "; "))"
        // Somebody else's doing, as a rule: what it said before tells nothing.
        case .signaled(let signal): "signal \(signal)"
        }
    }
}

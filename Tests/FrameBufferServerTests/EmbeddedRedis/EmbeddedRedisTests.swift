import FoundationEssentials
import Glibc
import Logging
import RedisClient
import RedisTesting
import ServiceLifecycle
import Subprocess
import SystemPackage
import Testing

@testable import FrameBufferServer

@Suite("The embedded Redis", .timeLimit(.minutes(2)))
struct EmbeddedRedisTests {
    @Test("answers on a Unix socket in its directory, and is gone when the service stops")
    func startAndStop() async throws {
        try await withDirectory { directory in
            let process = try await withRedis(in: directory) { address in
                #expect(address == RedisAddress(endpoint: .unix(path: "\(directory)/redis.sock")))
                let process = try await readyServer(at: address)
                #expect(reply(to: "CONFIG GET port", at: address)?.contains("\r\n0\r\n") == true)
                #expect(reply(to: "CONFIG GET appendonly", at: address)?.contains("yes") == true)
                return process
            }
            #expect(kill(process, 0) != 0)
            #expect(reply(to: "PING", at: RedisAddress(endpoint: .unix(path: "\(directory)/redis.sock"))) == nil)
        }
    }

    @Test("is out of reach for the terminal's signals and for other users")
    func isolation() async throws {
        try await withDirectory { directory in
            try await withRedis(in: directory) { address in
                let process = try await readyServer(at: address)
                #expect(getsid(process) == process)
                var status = stat()
                #expect(stat("\(directory)/redis.sock", &status) == 0)
                #expect(status.st_mode & 0o077 == 0)
                #expect(stat(directory, &status) == 0)
                #expect(status.st_mode & 0o077 == 0)
            }
        }
    }

    @Test("has its data again after a stop and a start")
    func keepsData() async throws {
        try await withDirectory { directory in
            try await withRedis(in: directory) { address in
                _ = try await readyServer(at: address)
                #expect(reply(to: "SET key value", at: address) == "+OK\r\n")
            }
            try await withRedis(in: directory) { address in
                _ = try await readyServer(at: address)
                #expect(reply(to: "GET key", at: address) == "$5\r\nvalue\r\n")
            }
        }
    }

    @Test("is started again when it is killed, with its data")
    func restarts() async throws {
        try await withDirectory { directory in
            try await withRedis(in: directory) { address in
                let first = try await readyServer(at: address)
                #expect(reply(to: "SET key value", at: address) == "+OK\r\n")
                #expect(kill(first, SIGKILL) == 0)
                let second = try await readyServer(at: address, otherThan: first)
                #expect(second != first)
                #expect(reply(to: "GET key", at: address) == "$5\r\nvalue\r\n")
            }
        }
    }

    @Test("is started again when its executable was away for a while")
    func survivesUpgrade() async throws {
        try await withDirectory { directory in
            let executable = "\(directory)/redis-server"
            let logs = Lines()
            let logger = Logger(label: "test") { label in
                StandardErrorLogHandler(
                    label: label,
                    level: .error,
                    format: .text,
                    metadataProvider: nil,
                    now: { .now },
                    write: { logs.append($0) }
                )
            }
            let real = try #require(["/usr/bin", "/usr/local/bin"].first { access("\($0)/redis-server", X_OK) == 0 })
            try FileManager.default.createSymbolicLink(
                atPath: executable,
                withDestinationPath: "\(real)/redis-server"
            )
            let redis = EmbeddedRedis(directory: "\(directory)/data", placesOfServer: [directory], logger: logger)
            try await withRedis(redis) { address in
                let first = try await readyServer(at: address)
                try FileManager.default.removeItem(atPath: executable)
                #expect(kill(first, SIGKILL) == 0)
                #expect(try await eventually { logs.all.count >= 3 })
                try FileManager.default.createSymbolicLink(
                    atPath: executable,
                    withDestinationPath: "\(real)/redis-server"
                )
                _ = try await readyServer(at: address, otherThan: first)
            }
        }
    }

    @Test("ends a server that a killed service left behind, and has its data")
    func endsLeftover() async throws {
        try await withDirectory { directory in
            try await withThrowingTaskGroup(of: Void.self) { group in
                let leftover = RedisAddress(endpoint: .unix(path: "\(directory)/redis.sock"))
                guard let lock = try FileLock.take("\(directory)/redis.lock")?.release() else { throw NotInTime() }
                group.addTask {
                    _ = try await Subprocess.run(
                        .name("redis-server"),
                        arguments: [
                            "--port", "0", "--unixsocket", "redis.sock", "--dir", directory, "--appendonly", "yes",
                            "--save", "",
                        ],
                        input: .fileDescriptor(FileDescriptor(rawValue: lock), closeAfterSpawningProcess: true),
                        output: .discarded
                    )
                }
                let process = try await readyServer(at: leftover)
                #expect(reply(to: "SET key value", at: leftover) == "+OK\r\n")
                try await withRedis(in: directory) { address in
                    let own = try await readyServer(at: address)
                    #expect(own != process)
                    #expect(reply(to: "GET key", at: address) == "$5\r\nvalue\r\n")
                }
                try await group.waitForAll()
            }
        }
    }

    @Test("refuses a directory that another service has, and says what to do")
    func secondService() async throws {
        try await withDirectory { directory in
            try await withRedis(in: directory) { address in
                let process = try await readyServer(at: address)
                let error = await #expect(throws: EmbeddedRedisError.self) {
                    try await EmbeddedRedis(directory: directory, searchPath: nil, logger: .silent).start()
                }
                #expect(error?.code == .directoryInUse)
                #expect(error?.message.contains("(process \(getpid()))") == true)
                #expect(error?.message.contains("FRAMEBUFFER_DATA_DIR") == true)
                #expect(try await readyServer(at: address) == process)
            }
        }
    }

    @Test("says what to install where there is no redis-server")
    func notInstalled() async throws {
        try await withDirectory { directory in
            let redis = EmbeddedRedis(directory: directory, placesOfServer: [directory], logger: .silent)
            let error = await #expect(throws: EmbeddedRedisError.self) { try await redis.start() }
            #expect(error?.code == .notInstalled)
            #expect(error?.message.contains("apt-get install redis-server") == true)
        }
    }

    @Test("refuses a directory that can't be made")
    func unusableDirectory() async throws {
        try await withDirectory { directory in
            try Data().write(to: URL(filePath: "\(directory)/file"))
            let redis = EmbeddedRedis(directory: "\(directory)/file/data", searchPath: nil, logger: .silent)
            let error = await #expect(throws: EmbeddedRedisError.self) { try await redis.start() }
            #expect(error?.code == .directoryUnusable)
        }
    }

    @Test("makes the directory with those above it, and works where its path is too long for a socket")
    func longPath() async throws {
        try await withDirectory { directory in
            let long = "\(directory)/" + String(repeating: "x", count: 100) + "/data"
            try await withRedis(in: long) { address in
                _ = try await readyServer(at: address)
                #expect(reply(to: "PING", at: address) == "+PONG\r\n")
            }
            #expect(FileManager.default.fileExists(atPath: "\(long)/appendonlydir"))
        }
    }

    @Test("stops the service with the server's own words where the server can't start")
    func failsToStart() async throws {
        try await withDirectory { directory in
            try FileManager.default.createDirectory(
                atPath: "\(directory)/appendonlydir",
                withIntermediateDirectories: true
            )
            try Data("garbage".utf8).write(to: URL(filePath: "\(directory)/appendonlydir/appendonly.aof.manifest"))
            let redis = EmbeddedRedis(directory: directory, searchPath: nil, logger: .silent)
            _ = try await redis.start()
            let error = await #expect(throws: EmbeddedRedisError.self) { try await redis.run() }
            #expect(error?.code == .failedToStart)
            #expect(error?.message.contains("manifest") == true)
        }
    }
}

// MARK: - Tools of the tests

extension Logger {
    fileprivate static var silent: Logger { Logger(label: "test") { _ in SwiftLogNoOpLogHandler() } }
}

/// Gives `body` the path of a new, empty directory, short enough for a socket in it.
private func withDirectory(_ body: (String) async throws -> Void) async throws {
    let path = "\(FileManager.default.temporaryDirectory.path())fb-\(UInt64.random(in: 0 ... .max))"
    try FileManager.default.createDirectory(
        atPath: path,
        withIntermediateDirectories: true,
        attributes: [.posixPermissions: 0o700]
    )
    defer { try? FileManager.default.removeItem(atPath: path) }
    try await body(path)
}

/// Runs an embedded Redis as a service while `body` runs, and stops it as a service is stopped.
private func withRedis<Result: Sendable>(
    in directory: String,
    _ body: @Sendable (RedisAddress) async throws -> Result
) async throws -> Result {
    try await withRedis(EmbeddedRedis(directory: directory, searchPath: nil, logger: .silent), body)
}

private func withRedis<Result: Sendable>(
    _ redis: EmbeddedRedis,
    _ body: @Sendable (RedisAddress) async throws -> Result
) async throws -> Result {
    let address = try await redis.start()
    let services = ServiceGroup(services: [redis], logger: .silent)
    return try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask { try await services.run() }
        let result: Result
        do {
            result = try await body(address)
        } catch {
            await services.triggerGracefulShutdown()
            throw error
        }
        await services.triggerGracefulShutdown()
        try await group.waitForAll()
        return result
    }
}

private struct NotInTime: Error {}

/// The process that serves the address, once it answers.
private func readyServer(at address: RedisAddress, otherThan former: pid_t? = nil) async throws -> pid_t {
    guard case .unix(let path) = address.endpoint else { throw NotInTime() }
    var server: pid_t?
    _ = try await eventually(within: .seconds(30)) {
        guard let process = LocalSocket.connect(to: path)?.peer, process != former,
            reply(to: "PING", at: address) == "+PONG\r\n"
        else { return false }
        server = process
        return true
    }
    guard let server else { throw NotInTime() }
    return server
}

/// What the server answers to one command, or nil where it doesn't within five seconds.
private func reply(to command: String, at address: RedisAddress) -> String? {
    guard case .unix(let path) = address.endpoint, let socket = LocalSocket.connect(to: path) else { return nil }
    socket.send(command + "\r\n")
    return socket.receive(within: .seconds(5))
}

extension LocalSocket {
    fileprivate func receive(within duration: Duration) -> String? {
        var descriptor = pollfd(fd: self.descriptor, events: Int16(POLLIN), revents: 0)
        guard poll(&descriptor, 1, CInt(duration.components.seconds * 1_000)) == 1 else { return nil }
        var bytes = [UInt8](repeating: 0, count: 4_096)
        let count = recv(self.descriptor, &bytes, bytes.count, 0)
        return count > 0 ? String(decoding: bytes[..<count], as: UTF8.self) : nil
    }
}

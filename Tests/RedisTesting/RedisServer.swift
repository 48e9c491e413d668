public import Foundation
internal import Synchronization

/// A real `redis-server` of a test's own: on a Unix socket in a folder of its own, without persistence unless asked for.
///
/// It ends with the last reference to it. Tests share nothing, so that any number of them run at once.
public final class RedisServer: Sendable {
    /// What can go wrong before a test has begun.
    public struct Failure: Error, CustomStringConvertible {
        /// For whoever reads the test's output.
        public let description: String
    }

    /// The server's folder: socket, log and data.
    public let folder: URL
    private let arguments: [String]
    private let process = ProcessBox()

    /// Starts a server and returns once it accepts connections. Few run at once, or all of them would be slow.
    ///
    /// - Parameter arguments: added to its command line.
    public init(_ arguments: [String] = []) async throws {
        await Slots.shared.take()
        // Short, as the path of a Unix socket has 107 bytes at most.
        folder = URL(fileURLWithPath: "/tmp/fb-\(UInt32.random(in: .min ... .max))", isDirectory: true)
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        self.arguments = arguments
        try await start()
    }

    deinit {
        kill()
        try? FileManager.default.removeItem(at: folder)
        Slots.shared.giveBack()
    }

    /// Where it listens.
    public var socket: String { folder.appendingPathComponent("redis.sock").path }

    /// The same as a `REDIS_URL`.
    public var url: String { "unix://\(socket)" }

    /// Starts it again, at the same place.
    ///
    /// - Parameter ready: whether to wait until it has loaded its data.
    public func start(waitingUntilReady ready: Bool = true) async throws {
        try await Self.offPool { try self.launch(waitingUntilReady: ready) }
    }

    private func launch(waitingUntilReady ready: Bool) throws {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments =
            [
                "redis-server", "--port", "0", "--unixsocket", socket, "--dir", folder.path, "--save", "",
                "--appendonly", "no",
            ]
            + arguments
        let output = Pipe()
        process.standardOutput = output
        process.standardError = output
        try process.run()
        self.process.value = process
        let log = output.fileHandleForReading
        var text = ""
        while true {
            let data = log.availableData
            guard !data.isEmpty else { throw Failure(description: "redis-server ended at its start: \(text)") }
            text += String(decoding: data, as: UTF8.self)
            if text.contains("ready to accept connections") || (!ready && text.contains("Server initialized")) { break }
        }
        // Whatever it says from now on is read, or it would stand still at a full pipe.
        log.readabilityHandler = { if $0.availableData.isEmpty { $0.readabilityHandler = nil } }
    }

    /// Ends it at once, as a crash would.
    public func kill() {
        process.value.map { _ = Foundation.kill($0.processIdentifier, SIGKILL) }
        process.value?.waitUntilExit()
        process.value = nil
    }

    /// Stops the process where it is, as a machine that hangs would; `false` lets it go on.
    public func freeze(_ frozen: Bool) {
        process.value.map { _ = Foundation.kill($0.processIdentifier, frozen ? SIGSTOP : SIGCONT) }
    }

    /// What `redis-cli` prints for a command, without the last line end.
    @discardableResult
    public func cli(_ words: String...) async throws -> String {
        try await cli(words)
    }

    /// What `redis-cli` prints for a command, without the last line end.
    @discardableResult
    public func cli(_ words: [String]) async throws -> String {
        String(decoding: try await cliData(words).dropLast(), as: UTF8.self)
    }

    /// What `redis-cli` prints for a command, byte for byte.
    public func cliData(_ words: [String]) async throws -> Data {
        try await Self.offPool { [socket] in
            let client = Process()
            client.executableURL = URL(fileURLWithPath: "/usr/bin/env")
            client.arguments = ["redis-cli", "-s", socket] + words
            let output = Pipe()
            client.standardOutput = output
            client.standardError = output
            try client.run()
            let data = output.fileHandleForReading.readDataToEndOfFile()
            client.waitUntilExit()
            return data
        }
    }

    /// Runs what blocks on a thread of its own: Swift's few threads are for what they are to test.
    private static func offPool<Value: Sendable>(_ body: @escaping @Sendable () throws -> Value) async throws -> Value {
        try await withCheckedThrowingContinuation { continuation in
            DispatchQueue.global().async { continuation.resume(with: Result(catching: body)) }
        }
    }

    /// How many servers may run at once.
    private final class Slots: Sendable {
        static let shared = Slots()

        private let state = Mutex((free: 3, waiting: [CheckedContinuation<Void, Never>]()))

        func take() async {
            await withCheckedContinuation { continuation in
                let isFree = state.withLock { state in
                    if state.free > 0 {
                        state.free -= 1
                        return true
                    }
                    state.waiting.append(continuation)
                    return false
                }
                if isFree { continuation.resume() }
            }
        }

        func giveBack() {
            let next = state.withLock { state in
                if state.waiting.isEmpty {
                    state.free += 1
                    return nil as CheckedContinuation<Void, Never>?
                }
                return state.waiting.removeFirst()
            }
            next?.resume()
        }
    }

    /// The process, which `start` and `kill` replace; a test calls them one after the other.
    private final class ProcessBox: @unchecked Sendable {
        var value: Process?
    }
}

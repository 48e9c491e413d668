import Foundation
import Synchronization

/// A child process whose standard error is read as it comes.
final class RunningProcess: Sendable {
    private struct State {
        var log = ""
        var isClosed = false
        var watchers: [CheckedContinuation<Void, Never>] = []
        var exitCode: Int32?
        var exitWaiters: [CheckedContinuation<Int32, Never>] = []
    }

    let pid: Int32
    private let state = Mutex(State())
    private let process: Process

    init(_ executable: URL, _ arguments: [String], environment: [String: String], folder: URL? = nil) throws {
        process = Process()
        process.executableURL = executable
        process.arguments = arguments
        process.environment = environment
        if let folder { process.currentDirectoryURL = folder }
        let errors = Pipe()
        process.standardError = errors
        process.standardOutput = FileHandle.nullDevice
        process.standardInput = FileHandle.nullDevice
        let box = WeakBox()
        process.terminationHandler = { process in
            let code = process.terminationReason == .exit ? process.terminationStatus : -process.terminationStatus
            box.value?.ended(code)
        }
        try process.run()
        pid = process.processIdentifier
        box.value = self
        if !process.isRunning {
            ended(process.terminationReason == .exit ? process.terminationStatus : -process.terminationStatus)
        }
        let output = errors.fileHandleForReading
        // No readability handler: it misses the end of what a short-lived process said now and then, and whoever waits for
        // that would wait for ever.
        Thread.detachNewThread { [weak self] in
            while true {
                let data = output.availableData
                self?.logged(data)
                if data.isEmpty { return }
            }
        }
    }

    deinit {
        if process.isRunning { Foundation.kill(pid, SIGKILL) }
    }

    var log: String { state.withLock { $0.log } }

    func signal(_ signal: Int32) {
        Foundation.kill(pid, signal)
    }

    func exitCode() async -> Int32 {
        await withCheckedContinuation { continuation in
            let code = state.withLock { state in
                if state.exitCode == nil { state.exitWaiters.append(continuation) }
                return state.exitCode
            }
            if let code { continuation.resume(returning: code) }
        }
    }

    /// The port that the service says it listens on.
    func port() async throws -> Int {
        while true {
            let (log, isClosed) = state.withLock { ($0.log, $0.isClosed) }
            if let match = log.firstMatch(of: /listening.*:(\d+)(?:"})?\n/), let port = Int(match.1) { return port }
            guard !isClosed else { throw FrameBufferProcess.Failure(description: "it did not start: \(log)") }
            await more(than: log.utf8.count)
        }
    }

    private func more(than count: Int) async {
        await withCheckedContinuation { continuation in
            let isThere = state.withLock { state in
                if state.log.utf8.count > count || state.isClosed { return true }
                state.watchers.append(continuation)
                return false
            }
            if isThere { continuation.resume() }
        }
    }

    private func logged(_ data: Data) {
        let watchers = state.withLock { state in
            state.log += String(decoding: data, as: UTF8.self)
            if data.isEmpty { state.isClosed = true }
            defer { state.watchers = [] }
            return state.watchers
        }
        for watcher in watchers { watcher.resume() }
    }

    private func ended(_ code: Int32) {
        let waiters = state.withLock { state in
            state.exitCode = state.exitCode ?? code
            defer { state.exitWaiters = [] }
            return state.exitWaiters
        }
        for waiter in waiters { waiter.resume(returning: code) }
    }

    /// Set before the process can have ended unnoticed; read by its termination handler.
    private final class WeakBox: @unchecked Sendable {
        weak var value: RunningProcess?
    }
}

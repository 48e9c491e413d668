import Foundation

/// A command that was run to its end.
struct CommandRun: Sendable {
    let exitCode: Int32
    /// The lines of its standard output.
    let lines: [String]
    /// Its standard error.
    let errors: String

    /// Runs a command and waits for its end.
    init(_ executable: URL, _ arguments: [String], environment: [String: String] = [:]) async throws {
        let process = Process()
        process.executableURL = executable
        process.arguments = arguments
        let path = ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin"
        process.environment = environment.merging(["PATH": path]) { own, _ in own }
        let (output, errors) = (Pipe(), Pipe())
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = output
        process.standardError = errors
        try process.run()
        // Read at the same time: whoever writes more than a pipe holds waits for its reader.
        async let errorText = RawConnection.blocking { errors.fileHandleForReading.readDataToEndOfFile() }
        let text = try await RawConnection.blocking {
            let data = output.fileHandleForReading.readDataToEndOfFile()
            process.waitUntilExit()
            return data
        }
        self.errors = String(decoding: try await errorText, as: UTF8.self)
        lines = String(decoding: text, as: UTF8.self).split(separator: "\n").map(String.init)
        exitCode = process.terminationReason == .exit ? process.terminationStatus : -process.terminationStatus
    }
}

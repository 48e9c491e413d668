import Foundation

/// The Python that has the packages of `requirements.txt`, which `scripts/test` installs, and the tests' scripts for it.
enum TestPython {
    /// The folder of the scripts.
    private static let scripts = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    /// The top of the tree.
    static let root = scripts.deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

    /// Where a script is.
    static func script(_ name: String) -> String { scripts.appendingPathComponent(name).path }

    /// The interpreter: `FRAMEBUFFER_TEST_PYTHON`, else the one that `scripts/test` leaves in the build folder.
    static func executable() throws -> URL {
        let given = ProcessInfo.processInfo.environment["FRAMEBUFFER_TEST_PYTHON"].flatMap { $0.isEmpty ? nil : $0 }
        let path = given ?? root.appendingPathComponent(".build/test-python/bin/python").path
        guard FileManager.default.isExecutableFile(atPath: path) else {
            throw FrameBufferProcess.Failure(description: "there is no Python at \(path): run scripts/test")
        }
        return URL(fileURLWithPath: path)
    }

    /// Runs a script to its end; returns the lines of its standard output.
    @discardableResult
    static func run(
        _ name: String,
        _ arguments: [String],
        environment: [String: String] = [:]
    ) async throws -> [String] {
        let run = try await CommandRun(executable(), [script(name)] + arguments, environment: environment)
        guard run.exitCode == 0 else {
            throw FrameBufferProcess.Failure(
                description: "\(name) failed; where a package is missing, run scripts/test: \(run.errors)"
            )
        }
        return run.lines
    }
}

/// Why the service can't start with what it was told: every unknown or unusable setting, each with where it came from.
package struct SettingsError: Error, Hashable, Sendable, CustomStringConvertible {
    /// Where a setting came from.
    package enum Source: Hashable, Sendable {
        case commandLine
        case environment
        case file(path: String)
    }

    /// One thing to mend.
    package struct Problem: Hashable, Sendable, CustomStringConvertible {
        package let source: Source
        /// What the setting is called there; nil where the file as a whole is meant.
        package let name: String?
        /// What is wrong, to follow the name. Never holds a secret.
        package let reason: String

        package var description: String {
            switch source {
            case .commandLine: "--\(name ?? "") \(reason)"
            case .environment: "\(name ?? "") in the environment \(reason)"
            case .file(let path): "\(name.map { "\($0) in " } ?? "")\(path) \(reason)"
            }
        }
    }

    /// Never empty.
    package let problems: [Problem]

    /// What the process is to exit with: `EX_USAGE` if the command line has a share in it, else `EX_CONFIG`.
    package var exitCode: Int32 {
        problems.contains { $0.source == .commandLine } ? 64 : 78
    }

    /// One line a problem.
    package var description: String {
        problems.map(\.description).joined(separator: "\n")
    }
}

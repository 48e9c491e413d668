import Configuration
import Synchronization

/// The settings file, if there is one, and the names in it that are no settings.
struct SettingsFile {
    let path: String
    /// Nil where there is no file.
    let provider: (any ConfigProvider)?
    /// One for each unknown name.
    let problems: [SettingsError.Problem]

    /// Reads the file that the command line names, else the one that the environment names, else the default one if it exists.
    ///
    /// - Throws: `SettingsError` where a file that was named is missing, or one can't be read or is no YAML mapping.
    init(commandLine: String?, environment: String?) async throws(SettingsError) {
        let path = commandLine ?? environment ?? Settings.defaultFile
        let isNamed = commandLine != nil || environment != nil
        let keys = KeyRecorder()
        let location = InMemoryProvider(values: [
            "filePath": ConfigValue(.string(path), isSecret: false),
            "allowMissing": ConfigValue(.bool(!isNamed), isSecret: false),
        ])
        do {
            // A snapshot doesn't list its keys. This closure is asked about each of them while the file is parsed.
            let options = YAMLSnapshot.ParsingOptions(
                secretsSpecifier: .dynamic { key, _ in
                    keys.insert(key)
                    return SettingDefinition.all.contains { $0.key == key && $0.isSecret }
                }
            )
            provider = try await FileProvider<YAMLSnapshot>(
                parsingOptions: options,
                config: ConfigReader(provider: location)
            )
        } catch {
            // The first line says what and where; the next ones quote the file, which may hold a password.
            let reason = String("\(error)".prefix { !$0.isNewline })
            let problem =
                if commandLine != nil {
                    SettingsError.Problem(
                        source: .commandLine,
                        name: "config",
                        reason: "(\(path)) can't be used: \(reason)"
                    )
                } else if environment != nil {
                    SettingsError.Problem(
                        source: .environment,
                        name: Settings.fileVariable,
                        reason: "(\(path)) can't be used: \(reason)"
                    )
                } else {
                    SettingsError.Problem(source: .file(path: path), name: nil, reason: "can't be used: \(reason)")
                }
            throw SettingsError(problems: [problem])
        }
        self.path = path
        let known = SettingDefinition.all.map(\.key)
        problems = keys.sorted.filter { !known.contains($0) }.map { key in
            .init(source: .file(path: path), name: key, reason: UnknownSettings.reason(for: key, among: known))
        }
    }
}

/// The keys of a file, noted while it is parsed.
private final class KeyRecorder: Sendable {
    private let keys = Mutex<Set<String>>([])

    var sorted: [String] { keys.withLock { $0.sorted() } }

    func insert(_ key: String) {
        keys.withLock { _ = $0.insert(key) }
    }
}

import Configuration
import Synchronization

extension Settings {
    /// The settings file that is read, where it exists, when none is named.
    package static let defaultFile = "config/framebuffer.yaml"

    /// The environment variable that names another settings file.
    package static let fileVariable = "FRAMEBUFFER_CONFIG"

    /// The settings as the command line gives them, else the environment, else the settings file, else the defaults.
    ///
    /// An environment variable or a value in the file that is empty counts as not set.
    ///
    /// - Parameters:
    ///   - commandLine: the options that were given, as they were written.
    ///   - file: the settings file that the command line names.
    ///   - environment: all of the process's.
    /// - Throws: `SettingsError` with everything that is unknown or unusable.
    package static func load(
        commandLine: [SettingDefinition: String] = [:],
        file: String? = nil,
        environment: [String: String] = [:]
    ) async throws(SettingsError) -> Settings {
        let environment = environment.filter { !$0.value.isEmpty && !UnknownSettings.isOfKubernetes($0.key, $0.value) }
        let settingsFile = try await SettingsFile(commandLine: file, environment: environment[fileVariable])
        var problems = settingsFile.problems
        problems += UnknownSettings.names(in: environment).map { name in
            let reason = UnknownSettings.reason(for: name, among: SettingDefinition.all.map(\.environmentName))
            return SettingsError.Problem(source: .environment, name: name, reason: reason)
        }

        let reader = SettingsReader(commandLine: commandLine, environment: environment, file: settingsFile)
        var settings = Settings()
        for definition in SettingDefinition.all {
            guard let (text, source) = reader.value(of: definition) else { continue }
            do throws(SettingValueProblem) {
                guard let text else { throw SettingValueProblem(reason: "has no single value") }
                try definition.apply(text, to: &settings)
            } catch {
                let shown = definition.isSecret ? "" : text.map { "(\($0)) " } ?? ""
                problems.append(.init(source: source, name: definition.name(in: source), reason: shown + error.reason))
            }
        }
        guard problems.isEmpty else { throw SettingsError(problems: problems) }
        return settings
    }
}

/// Asks the sources in their order, and says which of them answered.
private struct SettingsReader {
    private let reader: ConfigReader
    private let recorder = SourceRecorder()
    private let sources: [SettingsError.Source]

    init(commandLine: [SettingDefinition: String], environment: [String: String], file: SettingsFile) {
        let options = commandLine.map { setting, text in
            (AbsoluteConfigKey(ConfigKey(setting.key)), ConfigValue(.string(text), isSecret: setting.isSecret))
        }
        let names = SettingDefinition.all.map {
            (AbsoluteConfigKey(ConfigKey($0.key)), AbsoluteConfigKey([$0.environmentName]))
        }
        let variables = Dictionary(uniqueKeysWithValues: names)
        var providers: [any ConfigProvider] = [
            InMemoryProvider(name: "command line", values: Dictionary(uniqueKeysWithValues: options)),
            KeyMappingProvider(upstream: EnvironmentVariablesProvider(environmentVariables: environment)) { key in
                variables[key] ?? key
            },
        ]
        var sources = [SettingsError.Source.commandLine, .environment]
        if let provider = file.provider {
            providers.append(provider)
            sources.append(.file(path: file.path))
        }
        self.reader = ConfigReader(providers: providers, accessReporter: recorder)
        self.sources = sources
    }

    /// Nil where no source has it, or an empty text; a nil text where a source has it in a form that is none of its.
    func value(of definition: SettingDefinition) -> (text: String?, source: SettingsError.Source)? {
        let key = ConfigKey(definition.key)
        let text =
            reader.string(forKey: key, isSecret: definition.isSecret)
            ?? (definition.isList ? reader.stringArray(forKey: key)?.joined(separator: ",") : nil)
        guard let index = recorder.provider else { return nil }
        let source = sources[index]
        // What is empty on the command line was meant.
        return text == "" && source != .commandLine ? nil : (text, source)
    }
}

/// Notes which provider a reader had its last answer from, since a value doesn't say.
private final class SourceRecorder: AccessReporter {
    private let last = Mutex<Int?>(nil)

    /// The first provider that had a value, in whatever form, when the reader was last asked.
    var provider: Int? { last.withLock(\.self) }

    func report(_ event: AccessEvent) {
        let provider = event.providerResults.firstIndex { result in
            switch result.result {
            case .success(let lookup): lookup.value != nil
            case .failure: true
            }
        }
        last.withLock { $0 = provider }
    }
}

extension SettingDefinition {
    fileprivate func name(in source: SettingsError.Source) -> String {
        switch source {
        case .commandLine: optionName
        case .environment: environmentName
        case .file: key
        }
    }
}

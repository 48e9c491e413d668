/// One setting: its name in each source, its default, and why and by whom it would be changed.
///
/// The list of them, `SettingDefinition.all`, is what the command line, the loading, the search for unknown names and the
/// documentation are made from.
package struct SettingDefinition: Hashable, Sendable, CustomStringConvertible {
    /// Its place in the file, with dots between the levels: `capacity.frames`.
    package let key: String
    /// Its environment variable: the key in capitals after `FRAMEBUFFER_`, save for the few with names that others gave.
    package let environmentName: String
    /// What stands for the value in the help: `SIZE`.
    package let placeholder: String
    /// The default, as one would write it.
    package let defaultText: String
    /// What it is good for, in one sentence.
    package let why: String
    /// Who would change it.
    package let audience: String
    /// Whether the value can hold something that no message may repeat.
    package let isSecret: Bool
    /// Whether the file may give it as a list.
    package let isList: Bool

    private let assign: @Sendable (inout Settings, String) throws(SettingValueProblem) -> Void

    init<Value>(
        _ key: String,
        _ value: any WritableKeyPath<Settings, Value> & Sendable,
        _ form: SettingForm<Value>,
        environmentName: String? = nil,
        why: String,
        audience: String
    ) {
        self.key = key
        self.environmentName = environmentName ?? "FRAMEBUFFER_" + Self.joined(key, by: "_").uppercased()
        self.placeholder = form.placeholder
        self.defaultText = form.text(Settings()[keyPath: value])
        self.why = why
        self.audience = audience
        self.isSecret = form.isSecret
        self.isList = form.isList
        self.assign = { settings, text throws(SettingValueProblem) in
            settings[keyPath: value] = try form.parse(text)
        }
    }

    package var description: String { key }

    /// Its option on the command line, without the dashes before it: `capacity-frames`.
    package var optionName: String { Self.joined(key, by: "-") }

    /// One line that says all about it.
    package var summary: String { "\(why) For \(audience)." }

    /// Reads `text` as this setting's value.
    func apply(_ text: String, to settings: inout Settings) throws(SettingValueProblem) {
        try assign(&settings, text)
    }

    private static func joined(_ key: String, by separator: Character) -> String {
        String(key.map { $0 == "." || $0 == "_" ? separator : $0 })
    }

    package static func == (left: Self, right: Self) -> Bool { left.key == right.key }

    package func hash(into hasher: inout Hasher) { hasher.combine(key) }
}

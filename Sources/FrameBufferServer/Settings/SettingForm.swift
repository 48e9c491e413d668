import RedisClient

/// Why a text is no value for a setting: a phrase to follow the value, such as `is not a number from 1 to 10`.
struct SettingValueProblem: Error, Hashable {
    let reason: String
}

/// What the text of a setting's value looks like, both ways.
struct SettingForm<Value: Sendable>: Sendable {
    /// What stands for the value in the help: `SIZE`.
    let placeholder: String
    var isSecret = false
    var isList = false
    let parse: @Sendable (String) throws(SettingValueProblem) -> Value
    let text: @Sendable (Value) -> String
}

// MARK: - Texts

extension SettingForm<String> {
    /// A name or an address: up to 256 bytes without blanks or control characters.
    static func name(placeholder: String) -> Self {
        Self(
            placeholder: placeholder,
            parse: { text throws(SettingValueProblem) in
                guard isName(text) else {
                    throw SettingValueProblem(reason: "is not 1 to 256 bytes without blanks or control characters")
                }
                return text
            },
            text: \.self
        )
    }

    static var path: Self {
        Self(
            placeholder: "PATH",
            parse: { text throws(SettingValueProblem) in
                guard !text.isEmpty, !text.utf8.contains(0) else { throw SettingValueProblem(reason: "is not a path") }
                return text
            },
            text: \.self
        )
    }

    fileprivate static func isName(_ text: String) -> Bool {
        (1...256).contains(text.utf8.count)
            && text.unicodeScalars.allSatisfy { $0.value > 0x20 && $0.value != 0x7F && !$0.properties.isWhitespace }
    }
}

extension SettingForm<[String]> {
    /// Names of queues with commas between them.
    static var names: Self {
        Self(
            placeholder: "NAME,…",
            isList: true,
            parse: { text throws(SettingValueProblem) in
                let names = text.split(separator: ",", omittingEmptySubsequences: false).map(trimmed)
                // The keys beside a queue have its name in braces as their hash tag; braces within it would end the tag.
                guard names.allSatisfy({ SettingForm<String>.isName($0) && !$0.contains { "{}".contains($0) } }) else {
                    throw SettingValueProblem(
                        reason:
                            "is not a list of names with commas between them, each up to 256 bytes without blanks or braces"
                    )
                }
                guard Set(names).count == names.count else { throw SettingValueProblem(reason: "names a queue twice") }
                return names
            },
            text: { $0.joined(separator: ",") }
        )
    }

    private static func trimmed(_ text: Substring) -> String {
        String(text.drop(while: \.isWhitespace).reversed().drop(while: \.isWhitespace).reversed())
    }
}

// MARK: - Quantities

extension SettingForm<Int> {
    static func number(_ range: ClosedRange<Int>, placeholder: String) -> Self {
        Self(
            placeholder: placeholder,
            parse: { text throws(SettingValueProblem) in
                guard let number = Int(text), range.contains(number) else {
                    throw SettingValueProblem(reason: "is not a number from \(range.lowerBound) to \(range.upperBound)")
                }
                return number
            },
            text: \.description
        )
    }

    static func size(_ range: ClosedRange<Int>) -> Self {
        Self(
            placeholder: "SIZE",
            parse: { text throws(SettingValueProblem) in
                guard let size = ByteSize(text), range.contains(size.bytes) else {
                    throw SettingValueProblem(
                        reason: "is not a size from \(ByteSize(bytes: range.lowerBound)) to "
                            + "\(ByteSize(bytes: range.upperBound)), such as 64KiB, 10MB or 1000"
                    )
                }
                return size.bytes
            },
            text: { ByteSize(bytes: $0).description }
        )
    }
}

extension SettingForm<Int?> {
    /// A value that there may be none of, for which the word `absent` stands.
    static func optional(_ form: SettingForm<Int>, absent: String) -> Self {
        Self(
            placeholder: form.placeholder,
            parse: { text throws(SettingValueProblem) in text == absent ? nil : try form.parse(text) },
            text: { $0.map(form.text) ?? absent }
        )
    }
}

extension SettingForm<Duration> {
    static func duration(_ range: ClosedRange<Duration>) -> Self {
        Self(
            placeholder: "DURATION",
            parse: { text throws(SettingValueProblem) in
                guard let duration = Duration(unitText: text), range.contains(duration) else {
                    throw SettingValueProblem(
                        reason: "is not a duration from \(range.lowerBound.unitText) to \(range.upperBound.unitText), "
                            + "such as 250ms, 1s, 2m or 1h; a bare number is seconds"
                    )
                }
                return duration
            },
            text: \.unitText
        )
    }
}

// MARK: - Choices

extension SettingForm where Value: CaseIterable & RawRepresentable<String> {
    /// One of the type's raw values, in any case of letters.
    static var choice: Self {
        let names = Value.allCases.map(\.rawValue)
        return Self(
            placeholder: names.joined(separator: "|"),
            parse: { text throws(SettingValueProblem) in
                guard let value = Value(rawValue: text.lowercased()) else {
                    throw SettingValueProblem(
                        reason: names.count == 1
                            ? "is not \(names[0])" : "is not one of \(names.joined(separator: ", "))"
                    )
                }
                return value
            },
            text: \.rawValue
        )
    }
}

extension SettingForm<Settings.Redis> {
    /// `embedded` or a Redis URL.
    static var redis: Self {
        Self(
            placeholder: "URL",
            isSecret: true,
            parse: { text throws(SettingValueProblem) in
                guard text != "embedded" else { return .embedded }
                let address: RedisAddress
                do throws(RedisAddressError) {
                    address = try RedisAddress(text)
                } catch {
                    throw SettingValueProblem(
                        reason: "is neither the word embedded nor the address of a Redis: \(error)"
                    )
                }
                guard !address.usesTLS else {
                    throw SettingValueProblem(
                        reason: "can't be used: this version makes no encrypted connections to Redis yet (rediss://); "
                            + "use redis:// or unix://"
                    )
                }
                return .address(address)
            },
            text: { redis in
                switch redis {
                case .embedded: "embedded"
                case .address(let address): address.description
                }
            }
        )
    }
}

/// Reads environment variables as the OpenTelemetry specification says: empty is unset, and what can't be used is
/// ignored with a warning. Warnings show no value, which may be a secret, but what was written for a word of a fixed set.
struct EnvironmentReader {
    private let environment: [String: String]
    private(set) var warnings: [String] = []
    /// The variables that were asked for, whether they are set or not.
    private(set) var names: Set<String> = []

    init(environment: [String: String]) {
        self.environment = environment
    }

    mutating func warn(_ warning: String) {
        warnings.append(warning)
    }

    // MARK: Texts

    /// The variable's text without blanks around it; nil if nothing is left.
    mutating func text(_ name: String) -> String? {
        names.insert(name)
        guard let value = environment[name]?.utf8.trimmingBlanks(), !value.isEmpty else { return nil }
        return String(Substring(value))
    }

    /// The first variable that is set, and its text.
    mutating func first(of names: [String]) -> (name: String, text: String)? {
        // All of them are asked for, so that they are known.
        let texts = names.map { name in text(name).map { (name, $0) } }
        return texts.lazy.compactMap(\.self).first
    }

    /// The value of the first variable that is set and that `parse` can use.
    mutating func value<Value>(
        of names: [String],
        expecting expectation: String,
        _ parse: (String) -> Value?
    ) -> Value? {
        var value: Value?
        for name in names {
            guard let text = text(name), value == nil else { continue }
            value = parse(text)
            if value == nil { warn("\(name) is ignored: it should be \(expectation)") }
        }
        return value
    }

    // MARK: Numbers

    /// True for `true` in any case and for nothing else.
    mutating func boolean(_ name: String) -> Bool {
        let value = value(of: [name], expecting: "true or false") { text in
            switch text.lowercased() {
            case "true": true
            case "false": false
            default: nil
            }
        }
        return value ?? false
    }

    /// A positive number.
    mutating func count(_ name: String) -> Int? {
        value(of: [name], expecting: "a positive number") { text in Int(text).flatMap { $0 > 0 ? $0 : nil } }
    }

    /// A limit in the first of the variables that has one: a number that is not negative.
    mutating func limit(_ names: String...) -> Int? {
        value(of: names, expecting: "a number that is not negative") { text in
            Int(text).flatMap { $0 >= 0 ? $0 : nil }
        }
    }

    /// A time in milliseconds.
    mutating func duration(_ name: String) -> Duration? {
        value(of: [name], expecting: "a number of milliseconds", EnvironmentReader.milliseconds)
    }

    /// A time limit in milliseconds; 0 is none.
    mutating func timeout(_ names: String...) -> Duration? {
        value(of: names, expecting: "a number of milliseconds", EnvironmentReader.milliseconds).map {
            $0 == .zero ? EnvironmentReader.unlimited : $0
        }
    }

    /// What stands for "no limit", short enough to calculate with.
    private static let unlimited = Duration.seconds(86_400)

    private static func milliseconds(_ text: String) -> Duration? {
        Int64(text).flatMap { $0 >= 0 ? min(.milliseconds($0), unlimited) : nil }
    }

    // MARK: Words and lists

    /// One word of a fixed set, in any case, in the first of the variables that has one. Since it is no secret, a
    /// warning shows what was written instead, as the specification asks.
    mutating func word<Value>(of names: [String], from words: KeyValuePairs<String, Value>) -> Value? {
        var value: Value?
        for name in names {
            guard let text = text(name), value == nil else { continue }
            value = words.first { $0.key == text.lowercased() }?.value
            if value == nil {
                let known = words.map(\.key).joined(separator: ", ")
                warn("\(name) is ignored: \(EnvironmentReader.quoted(text)) is none of \(known)")
            }
        }
        return value
    }

    /// The headers in the first variable that is set; of two with one name the last. Pairs that can't be used are left
    /// out, and named by their place.
    mutating func headers(of names: [String]) -> [TracingSettings.Header] {
        guard let (name, text) = first(of: names) else { return [] }
        var headers: [TracingSettings.Header] = []
        for entry in KeyValueList.parse(text) {
            if let pair = entry.pair, let header = TracingSettings.Header(checking: pair) {
                headers.removeAll { $0.name.lowercased() == header.name.lowercased() }
                headers.append(header)
            } else {
                warn("\(name): pair \(entry.position) is left out: it should be name=value, percent-encoded")
            }
        }
        return headers
    }

    /// A text as a log may show it: its beginning, without what could act on a terminal.
    static func quoted(_ text: String) -> String {
        let maximum = 40
        let shown = text.unicodeScalars.prefix(maximum).map {
            $0.isASCII && $0.value >= 0x20 && $0 != "\u{7F}" ? $0 : "?"
        }
        return "\"" + String(String.UnicodeScalarView(shown)) + (text.unicodeScalars.count > maximum ? "…\"" : "\"")
    }
}

extension TracingSettings.Header {
    /// A header that can be sent: its name is a token, its value has no control characters (RFC 9110, section 5).
    init?(checking pair: (key: String, value: String)) {
        let isToken = pair.key.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "z"),
                UInt8(ascii: "A")...UInt8(ascii: "Z"):
                true
            default: "!#$%&'*+-.^_`|~".utf8.contains(byte)
            }
        }
        let isPrintable = pair.value.utf8.allSatisfy { $0 == 0x09 || ($0 >= 0x20 && $0 != 0x7F) }
        guard isToken, isPrintable, !pair.key.isEmpty else { return nil }
        self.init(name: pair.key, value: pair.value)
    }
}

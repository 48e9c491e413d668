/// Reads environment variables as the OpenTelemetry specification says: empty is unset, and what can't be used is
/// ignored with a warning. Warnings never show a value, which may be a secret.
struct EnvironmentReader {
    private let environment: [String: String]
    private(set) var warnings: [String] = []

    init(environment: [String: String]) {
        self.environment = environment
    }

    /// The variable's text without blanks around it; nil if nothing is left.
    func text(_ name: String) -> String? {
        guard let value = environment[name]?.utf8.trimmingBlanks(), !value.isEmpty else { return nil }
        return String(Substring(value))
    }

    /// The value of the first variable that is set and that `parse` can use.
    mutating func value<Value>(
        of names: [String],
        expecting expectation: String,
        _ parse: (String) -> Value?
    ) -> Value? {
        for name in names {
            guard let text = text(name) else { continue }
            if let value = parse(text) { return value }
            warnings.append("\(name) is ignored: it should be \(expectation)")
        }
        return nil
    }

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

    /// The headers in the first variable that is set. Pairs that can't be used are left out, and named by their place.
    mutating func headers(of names: [String]) -> [TracingSettings.Header] {
        guard let name = names.first(where: { text($0) != nil }), let text = text(name) else { return [] }
        var headers: [TracingSettings.Header] = []
        for entry in KeyValueList.parse(text) {
            if let pair = entry.pair, let header = TracingSettings.Header(checking: pair) {
                headers.append(header)
            } else {
                warnings.append("\(name): pair \(entry.position) is left out: it should be name=value, percent-encoded")
            }
        }
        return headers
    }

    /// What stands for "no limit", short enough to calculate with.
    private static let unlimited = Duration.seconds(86_400)

    private static func milliseconds(_ text: String) -> Duration? {
        Int64(text).flatMap { $0 >= 0 ? min(.milliseconds($0), unlimited) : nil }
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

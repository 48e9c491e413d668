import Logging

/// One event of the log, and the two ways to write it. Either is one line, whatever is in the texts.
struct LogLine {
    let timestamp: LogTimestamp
    let level: Logger.Level
    let label: String
    let message: String
    let metadata: Logger.Metadata

    /// `2026-03-01T09:30:00.250Z warning  Redis is away  attempt=3 reason="connection refused"`
    var text: String {
        let level = level.rawValue
        // "critical" is the longest of the levels.
        var line = "\(timestamp) \(level)\(String(repeating: " ", count: 8 - level.utf8.count)) "
        Self.append(message, to: &line)
        var separator = "  "
        for (key, value) in sortedMetadata {
            line += "\(separator)\(key)="
            let text = value.description
            if text.isEmpty || text.unicodeScalars.contains(where: { $0.value <= 0x20 || $0 == "\"" || $0 == "=" }) {
                Self.appendQuoted(text, to: &line)
            } else {
                line += text
            }
            separator = " "
        }
        return line + "\n"
    }

    /// `{"time":"…","level":"warning","logger":"framebuffer","message":"Redis is away","attempt":"3"}`
    var json: String {
        var line = "{\"time\":\"\(timestamp)\",\"level\":\"\(level.rawValue)\",\"logger\":"
        Self.appendQuoted(label, to: &line)
        line += ",\"message\":"
        Self.appendQuoted(message, to: &line)
        for (key, value) in sortedMetadata {
            line += ","
            // A name may stand in a JSON object but once.
            Self.appendQuoted(Self.reserved.contains(key) ? key + "_" : key, to: &line)
            line += ":"
            Self.append(value, to: &line)
        }
        return line + "}\n"
    }

    private static let reserved: Set = ["time", "level", "logger", "message"]

    private var sortedMetadata: [(key: String, value: Logger.MetadataValue)] {
        metadata.sorted { $0.key < $1.key }
    }

    private static func append(_ value: Logger.MetadataValue, to line: inout String) {
        switch value {
        case .string(let text):
            appendQuoted(text, to: &line)
        case .stringConvertible(let text):
            appendQuoted(text.description, to: &line)
        case .array(let values):
            line += "["
            for (index, value) in values.enumerated() {
                if index > 0 { line += "," }
                append(value, to: &line)
            }
            line += "]"
        case .dictionary(let values):
            line += "{"
            for (index, (key, value)) in values.sorted(by: { $0.key < $1.key }).enumerated() {
                if index > 0 { line += "," }
                appendQuoted(key, to: &line)
                line += ":"
                append(value, to: &line)
            }
            line += "}"
        }
    }

    private static func appendQuoted(_ text: String, to line: inout String) {
        line += "\""
        append(text, escapingQuotes: true, to: &line)
        line += "\""
    }

    /// Writes control characters as JSON does: a line break in a frame's name must not begin a line of the log.
    private static func append(_ text: String, escapingQuotes: Bool = false, to line: inout String) {
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"" where escapingQuotes: line += "\\\""
            case "\\" where escapingQuotes: line += "\\\\"
            case "\n": line += "\\n"
            case "\r": line += "\\r"
            case "\t": line += "\\t"
            case "\u{0}"..."\u{1F}", "\u{7F}"..."\u{9F}":
                let digits = String(scalar.value, radix: 16)
                line += "\\u\(String(repeating: "0", count: 4 - digits.utf8.count))\(digits)"
            default: line.unicodeScalars.append(scalar)
            }
        }
    }
}

/// A media type as headers write it: the name in lower case, parameters aside (RFC 9110, section 8.3.1).
struct MediaType {
    /// `type/subtype`, in lower case; empty where there is none.
    let name: String

    init(_ header: some StringProtocol) {
        // Nearly all headers are such a name already: by bytes, that is seen in no time.
        let isName = header.utf8.withContiguousStorageIfAvailable { bytes in
            bytes.allSatisfy { $0 > 0x20 && $0 < 0x7F && $0 != 0x3B && !(0x41...0x5A).contains($0) }
        }
        name = isName == true ? String(header) : Self.trimmed(header.prefix { $0 != ";" }).lowercased()
    }

    /// The value of a parameter, without its quotes; nil where the header has no such parameter, or no end of its quotes.
    static func parameter(_ wanted: String, of header: String) -> String? {
        var rest = Substring(header).drop { $0 != ";" }
        while rest.first == ";" {
            rest = rest.dropFirst().drop { $0 == " " || $0 == "\t" }
            let name = rest.prefix { $0 != "=" && $0 != ";" }
            rest = rest[name.endIndex...]
            guard rest.first == "=" else { continue }
            rest = rest.dropFirst().drop { $0 == " " || $0 == "\t" }
            var value = ""
            if rest.first == "\"" {
                rest = rest.dropFirst()
                while let character = rest.popFirst(), character != "\"" {
                    guard let next = character == "\\" ? rest.popFirst() : character else { return nil }
                    value.append(next)
                    if rest.isEmpty { return nil }
                }
                rest = rest.drop { $0 != ";" }
            } else {
                let text = rest.prefix { $0 != ";" }
                value = trimmed(text)
                rest = rest[text.endIndex...]
            }
            if trimmed(name).lowercased() == wanted { return value }
        }
        return nil
    }

    private static func trimmed(_ text: some StringProtocol) -> String {
        String(text.drop { $0 == " " || $0 == "\t" }.reversed().drop { $0 == " " || $0 == "\t" }.reversed())
    }
}

/// One of the media types that `Accept` headers list, and how much it is wanted (RFC 9110, section 12.5.1).
struct MediaRange {
    /// `type/subtype` in lower case, either of which may be `*`.
    let name: String
    /// From 0, not at all, to 1.
    let weight: Double

    /// All that the headers list, in their order.
    static func all(of headers: [String]) -> [MediaRange] {
        headers.flatMap { $0.split(separator: ",") }.map {
            MediaRange(name: MediaType($0).name, weight: weight(of: $0))
        }
    }

    private static func weight(of range: Substring) -> Double {
        for parameter in range.split(separator: ";").dropFirst() {
            let text = parameter.filter { $0 != " " && $0 != "\t" }.lowercased()
            if text.hasPrefix("q=") { return Double(text.dropFirst(2)) ?? 0 }
        }
        return 1
    }
}

/// What an `Accept` header asks of a dequeued frame: its payload's bytes or JSON (RFC 9110, section 12.5.1).
enum AcceptedForm {
    case json
    case payload

    /// The form to answer in; nil where neither would do.
    ///
    /// Bytes are sent only to who names them (`image/*`, `application/octet-stream`), and then before JSON unless JSON is
    /// preferred: `*/*` is what every client sends that does not care.
    init?(_ headers: [String]) {
        guard !headers.isEmpty else {
            self = .json
            return
        }
        var payload = 0.0
        var json: (weight: Double, precision: Int) = (0, 0)
        for range in MediaRange.all(of: headers) {
            if range.name.hasPrefix("image/") || range.name == "application/octet-stream" {
                payload = max(payload, range.weight)
            } else if let precision = ["*/*", "application/*", "application/json"].firstIndex(of: range.name),
                precision >= json.precision
            {
                json = (range.weight, precision)
            }
        }
        switch (payload, json.weight) {
        case (0, 0): return nil
        case (let payload, let json) where payload > 0 && payload >= json: self = .payload
        default: self = .json
        }
    }
}

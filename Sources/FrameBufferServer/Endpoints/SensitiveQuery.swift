/// A query as spans may say it: without the values that the OpenTelemetry conventions call sensitive (`url.query`). They are
/// of signed URLs, which somebody may have sent here.
enum SensitiveQuery {
    private static let names = [
        "X-Amz-Signature", "X-Amz-Credential", "X-Amz-Security-Token", "AWSAccessKeyId", "Signature", "sig",
        "X-Goog-Signature",
    ]

    /// The query with `REDACTED` in the place of each such value.
    static func redacted(_ query: String) -> String {
        // Nearly no query has one, and then nothing is taken apart.
        guard mayBeSensitive(query) else { return query }
        let pairs = query.split(separator: "&", omittingEmptySubsequences: false).map { pair in
            guard let name = names.first(where: { pair.hasPrefix($0 + "=") }) else { return String(pair) }
            return name + "=REDACTED"
        }
        return pairs.joined(separator: "&")
    }

    private static func mayBeSensitive(_ query: String) -> Bool {
        var isFirst = true
        for byte in query.utf8 {
            switch byte {
            case UInt8(ascii: "X"), UInt8(ascii: "A"), UInt8(ascii: "S"), UInt8(ascii: "s"):
                if isFirst { return true }
            default: break
            }
            isFirst = byte == UInt8(ascii: "&")
        }
        return false
    }
}

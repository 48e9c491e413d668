/// A `traceparent` as every one that leaves the service has to be: version 00, lower-case, no id all zero.
struct Traceparent: Hashable, Sendable {
    let traceID: String
    let spanID: String
    let flags: UInt8

    /// Reads a header or field; nil where it is absent or anything in it is wrong.
    init?(_ text: String?) {
        guard let match = text?.wholeMatch(of: /00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})/),
            match.1.contains(where: { $0 != "0" }), match.2.contains(where: { $0 != "0" }),
            let flags = UInt8(match.3, radix: 16)
        else { return nil }
        traceID = String(match.1)
        spanID = String(match.2)
        self.flags = flags
    }

    var isSampled: Bool { flags & 1 != 0 }
}

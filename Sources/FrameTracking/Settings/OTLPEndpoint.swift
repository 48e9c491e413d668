/// A URL that spans can be posted to.
struct OTLPEndpoint {
    /// The URL as it was given.
    let url: String

    /// Only `http` and `https` with a host will do.
    init?(_ text: String) {
        let lowercased = text.lowercased()
        guard let scheme = ["http://", "https://"].first(where: { lowercased.hasPrefix($0) }),
            text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F })
        else { return nil }
        let authority = text.dropFirst(scheme.count).prefix { !"/?#".contains($0) }
        let hostAndPort = authority.split(separator: "@", omittingEmptySubsequences: false).last ?? authority
        // A colon within brackets belongs to an IPv6 address.
        let afterAddress = hostAndPort.lastIndex(of: "]") ?? hostAndPort.startIndex
        let colon = hostAndPort[afterAddress...].firstIndex(of: ":") ?? hostAndPort.endIndex
        let port = hostAndPort[colon...].dropFirst()
        guard !hostAndPort[..<colon].isEmpty, port.isEmpty || UInt16(port) != nil else { return nil }
        url = text
    }

    /// The URL of `path` below this one, with one slash between them. A query or fragment, which a base has no use for,
    /// is left out.
    func appending(_ path: String) -> String {
        let base = url.prefix { $0 != "?" && $0 != "#" }
        return base.hasSuffix("/") ? base + path : base + "/" + path
    }
}

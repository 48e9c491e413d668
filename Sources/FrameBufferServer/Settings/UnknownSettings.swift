/// Finds names that were meant for us and are no settings of ours: a misspelt setting would otherwise be ignored in silence.
enum UnknownSettings {
    /// Names that begin like ours and are read elsewhere: the settings file, and the URL of the client commands.
    static let alsoOurs: Set = [Settings.fileVariable, "FRAMEBUFFER_URL"]

    /// The `FRAMEBUFFER_…` names of `environment` that nobody reads, sorted.
    static func names(in environment: [String: String]) -> [String] {
        let known = Set(SettingDefinition.all.map(\.environmentName)).union(alsoOurs)
        return environment.keys.filter { $0.hasPrefix("FRAMEBUFFER_") && !known.contains($0) }.sorted()
    }

    /// Whether Kubernetes sets this variable for a service called `framebuffer`, or `framebuffer-…`: it does so in every pod,
    /// `FRAMEBUFFER_PORT=tcp://10.0.0.1:8080` and `FRAMEBUFFER_SERVICE_HOST` among them.
    static func isOfKubernetes(_ name: String, _ value: String) -> Bool {
        let words = name.split(separator: "_", omittingEmptySubsequences: false)
        guard words.first == "FRAMEBUFFER" else { return false }
        if name.hasSuffix("_PORT"), ["tcp://", "udp://", "sctp://"].contains(where: value.hasPrefix) { return true }
        if name.hasSuffix("_SERVICE_HOST") || name.contains("_SERVICE_PORT") { return true }
        // …_PORT_8080_TCP, and the same with _PROTO, _PORT or _ADDR.
        guard let port = words.lastIndex(where: { Int($0) != nil }), port > 1, words[port - 1] == "PORT" else {
            return false
        }
        let rest = words[(port + 1)...]
        return ["TCP", "UDP", "SCTP"].contains(rest.first)
            && (rest.count == 1 || ["PROTO", "PORT", "ADDR"].contains(rest.last))
    }

    /// What is wrong with an unknown name, with the known one that was probably meant.
    static func reason(for name: String, among known: [String]) -> String {
        let nearest = known.map { (name: $0, distance: distance($0, name)) }.min { $0.distance < $1.distance }
        guard let nearest, nearest.distance <= 3 else { return "is no setting of this version" }
        return "is no setting of this version; did you mean \(nearest.name)?"
    }

    /// How many letters have to be put in, taken out or changed to make one name of the other (Levenshtein's distance).
    private static func distance(_ left: String, _ right: String) -> Int {
        let right = Array(right)
        var row = Array(0...right.count)
        for (i, letter) in left.enumerated() {
            var diagonal = row[0]
            row[0] = i + 1
            for (j, other) in right.enumerated() {
                let change = diagonal + (letter == other ? 0 : 1)
                diagonal = row[j + 1]
                row[j + 1] = min(change, row[j] + 1, row[j + 1] + 1)
            }
        }
        return row[right.count]
    }
}

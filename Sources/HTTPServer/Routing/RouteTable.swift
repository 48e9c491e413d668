package import NIOHTTP1

/// Finds the number of an endpoint by the method and path of a request.
package struct RouteTable: Sendable {
    /// What a request's method and path lead to.
    package enum Match {
        case found(Int, PathParameters)
        case notFound
        /// The path exists, for the methods that the answer's `Allow` has to list.
        case methodNotAllowed([HTTPMethod])
    }

    private typealias Methods = [(method: HTTPMethod, number: Int)]

    // Compared one after the other: there are few, most of other lengths, and to hash a path takes longer.
    private var exact: [(path: String, methods: Methods)] = []
    private var patterns: [(pattern: PathPattern, methods: Methods)] = []

    /// Adds an endpoint; a later one of the same method and path replaces the earlier.
    mutating func add(_ method: HTTPMethod, _ path: String, _ number: Int) {
        let pattern = PathPattern(path)
        if !pattern.hasParameters {
            let index = exact.firstIndex { $0.path == path } ?? exact.count
            if index == exact.count { exact.append((path, [])) }
            Self.add(method, number, to: &exact[index].methods)
        } else if let index = patterns.firstIndex(where: { $0.pattern == pattern }) {
            Self.add(method, number, to: &patterns[index].methods)
        } else {
            patterns.append((pattern, [(method, number)]))
        }
    }

    func match(method: HTTPMethod, path: String) -> Match {
        if let index = exact.firstIndex(where: { $0.path.utf8.count == path.utf8.count && $0.path == path }) {
            let methods = exact[index].methods
            guard let found = methods.first(where: { $0.method == method }) else {
                return .methodNotAllowed(methods.map(\.method))
            }
            return .found(found.number, PathParameters())
        }
        var allowed: [HTTPMethod] = []
        for (pattern, methods) in patterns {
            guard let parameters = pattern.match(path) else { continue }
            if let found = methods.first(where: { $0.method == method }) { return .found(found.number, parameters) }
            allowed += methods.map(\.method)
        }
        return allowed.isEmpty ? .notFound : .methodNotAllowed(allowed)
    }

    private static func add(_ method: HTTPMethod, _ number: Int, to methods: inout Methods) {
        methods.removeAll { $0.method == method }
        methods.append((method, number))
    }
}

package import NIOHTTP1

/// Finds the endpoint of a request by its method and path.
///
/// Paths are compared as they are sent, without decoding; one with the same number of segments as a pattern such as
/// `/frames/{message_id}` matches it where its literal segments are equal and no parameter is empty. An exact path wins
/// over patterns, and a pattern that was added earlier over later ones. `HEAD` is its own method: `GET` doesn't imply it.
package struct Router<Endpoint> {
    /// What a request's method and path lead to.
    package enum Match {
        case found(Endpoint, parameters: PathParameters)
        case notFound
        /// The path exists, for the methods that the answer's `Allow` has to list.
        case methodNotAllowed([HTTPMethod])
    }

    @usableFromInline typealias Methods = [(method: HTTPMethod, endpoint: Endpoint)]

    @usableFromInline var exact: [String: Methods] = [:]
    private var patterns: [(pattern: PathPattern, methods: Methods)] = []

    /// Makes a router that finds nothing.
    package init() {}

    /// Adds an endpoint; a later one of the same method and path replaces the earlier.
    package mutating func add(_ method: HTTPMethod, _ path: String, _ endpoint: Endpoint) {
        let pattern = PathPattern(path)
        guard pattern.hasParameters else {
            Self.add(method, endpoint, to: &exact[path, default: []])
            return
        }
        if let index = patterns.firstIndex(where: { $0.pattern == pattern }) {
            Self.add(method, endpoint, to: &patterns[index].methods)
        } else {
            patterns.append((pattern, [(method, endpoint)]))
        }
    }

    /// Finds the endpoint of a request.
    ///
    /// Inlinable, so that it is specialized for the caller's endpoints: otherwise it looks up the types of its tuples at each
    /// request, which makes it 2.1 % of an enqueue's samples (`perf record`) instead of 0.5 %.
    @inlinable
    package func match(method: HTTPMethod, path: String) -> Match {
        if let methods = exact[path] {
            guard let found = methods.first(where: { $0.method == method }) else {
                return .methodNotAllowed(methods.map(\.method))
            }
            return .found(found.endpoint, parameters: PathParameters())
        }
        return matchPattern(method: method, path: path)
    }

    @usableFromInline
    func matchPattern(method: HTTPMethod, path: String) -> Match {
        var allowed: [HTTPMethod] = []
        for (pattern, methods) in patterns {
            guard let parameters = pattern.match(path) else { continue }
            if let found = methods.first(where: { $0.method == method }) {
                return .found(found.endpoint, parameters: parameters)
            }
            allowed += methods.map(\.method)
        }
        return allowed.isEmpty ? .notFound : .methodNotAllowed(allowed)
    }

    private static func add(_ method: HTTPMethod, _ endpoint: Endpoint, to methods: inout Methods) {
        methods.removeAll { $0.method == method }
        methods.append((method, endpoint))
    }
}

extension Router: Sendable where Endpoint: Sendable {}
extension Router.Match: Sendable where Endpoint: Sendable {}

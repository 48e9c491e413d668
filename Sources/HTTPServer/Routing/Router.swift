package import NIOHTTP1

/// Finds the endpoint of a request by its method and path.
///
/// Paths are compared as they are sent, without decoding; one with the same number of segments as a pattern such as
/// `/frames/{message_id}` matches it where its literal segments are equal and no parameter is empty. An exact path wins
/// over patterns, and a pattern that was added earlier over later ones. `HEAD` is its own method: `GET` doesn't imply it.
package struct Router<Endpoint> {
    // The table, and what it finds, are no generic types, as this one isn't specialized where it is used: to look up the
    // types of its parts took 3 % of an enqueue without tracing (`perf record`).
    private var table = RouteTable()
    /// All that were added, in that order.
    package private(set) var endpoints: [Endpoint] = []

    /// Makes a router that finds nothing.
    package init() {}

    /// Adds an endpoint; a later one of the same method and path replaces the earlier.
    package mutating func add(_ method: HTTPMethod, _ path: String, _ endpoint: Endpoint) {
        table.add(method, path, endpoints.count)
        endpoints.append(endpoint)
    }

    /// Finds the number of a request's endpoint.
    package func match(method: HTTPMethod, path: String) -> RouteTable.Match {
        table.match(method: method, path: path)
    }

    /// The endpoint of a number that was found.
    package subscript(number: Int) -> Endpoint { endpoints[number] }
}

extension Router: Sendable where Endpoint: Sendable {}

import NIOHTTP1

/// The parameters of a query string, `application/x-www-form-urlencoded` as browsers and curl write it: `+` is a space.
///
/// Nothing is parsed before it is asked for; a query has few parameters, so each look-up reads it from the start.
package struct QueryParameters: Sendable, Equatable {
    /// The query as it was sent, without the question mark.
    package let text: String

    /// Wraps a query that may be anything, empty or broken.
    package init(_ text: String) {
        self.text = text
    }

    /// Whether there is no parameter at all.
    package var isEmpty: Bool { text.isEmpty }

    /// The first value of the parameter, decoded; `nil` where it is absent or can't be decoded (see ``validate()``).
    package subscript(name: String) -> String? {
        for pair in pairs where pair.isNamed(name) {
            return pair.decodedValue
        }
        return nil
    }

    /// All values of the parameter that can be decoded, in order.
    package func all(_ name: String) -> [String] {
        pairs.compactMap { $0.isNamed(name) ? $0.decodedValue : nil }
    }

    /// The decoded names in order, repeated as they are, so that unknown ones can be refused.
    package var names: [String] {
        pairs.compactMap(\.decodedName)
    }

    /// Refuses a query with a `%` that two hexadecimal digits don't follow, or whose bytes are no UTF-8.
    ///
    /// - Throws: A 400 that names the parameter by its name or, where that is what can't be decoded, by its position.
    package func validate() throws(HTTPProblem) {
        guard !isEmpty else { return }
        for (index, pair) in pairs.enumerated() {
            guard let name = pair.decodedName else {
                throw HTTPProblem(
                    .badRequest,
                    detail: "The name of query parameter \(index + 1) is not valid percent-encoding"
                )
            }
            guard pair.decodedValue != nil else {
                throw HTTPProblem(.badRequest, detail: "The query parameter '\(name)' is not valid percent-encoding")
            }
        }
    }

    private var pairs: [Pair] {
        text.utf8.split(separator: UInt8(ascii: "&")).map(Pair.init)
    }
}

extension QueryParameters {
    private struct Pair {
        let name: Substring.UTF8View
        let value: Substring.UTF8View

        init(_ bytes: Substring.UTF8View) {
            let equals = bytes.firstIndex(of: UInt8(ascii: "=")) ?? bytes.endIndex
            name = bytes[..<equals]
            value = bytes[equals...].dropFirst()
        }

        var decodedName: String? { PercentEncoding.decode(name, plusIsSpace: true) }
        var decodedValue: String? { PercentEncoding.decode(value, plusIsSpace: true) }

        func isNamed(_ wanted: String) -> Bool {
            name.elementsEqual(wanted.utf8) || decodedName == wanted
        }
    }
}

/// A path with parameters in it, `/frames/{message_id}` for instance.
struct PathPattern: Equatable, Sendable {
    private enum Segment: Equatable, Sendable {
        case literal(Substring)
        case parameter(String)
    }

    private let segments: [Segment]

    init(_ path: String) {
        segments = Self.split(path).map { segment in
            segment.hasPrefix("{") && segment.hasSuffix("}")
                ? .parameter(String(segment.dropFirst().dropLast())) : .literal(segment)
        }
    }

    var hasParameters: Bool {
        segments.contains { if case .parameter = $0 { true } else { false } }
    }

    /// The parameters of a path, or `nil` where it does not match, be it that a parameter is empty or can't be decoded.
    func match(_ path: String) -> PathParameters? {
        let parts = Self.split(path)
        guard parts.count == segments.count else { return nil }
        var parameters = PathParameters()
        for (part, segment) in zip(parts, segments) {
            switch segment {
            case .literal(let literal):
                guard part == literal else { return nil }
            case .parameter(let name):
                guard !part.isEmpty, let value = PercentEncoding.decode(part.utf8, plusIsSpace: false) else {
                    return nil
                }
                parameters.append(name: name, value: value)
            }
        }
        return parameters
    }

    private static func split(_ path: String) -> [Substring] {
        path.split(separator: "/", omittingEmptySubsequences: false)
    }
}

/// The values that a path has in the places of a pattern's parameters, decoded.
package struct PathParameters: Sendable, Equatable {
    private var names: [String] = []
    private var values: [String] = []

    /// Whether there are none.
    package var isEmpty: Bool { names.isEmpty }

    /// The value of the parameter, if the pattern has it.
    package subscript(name: String) -> String? {
        names.firstIndex(of: name).map { values[$0] }
    }

    mutating func append(name: String, value: String) {
        names.append(name)
        values.append(value)
    }
}

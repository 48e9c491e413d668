internal import FrameBuffer
internal import HTTPServer
internal import NIOCore
internal import NIOHTTP1

/// The JSON object that a request which is no frame brings, and what its members have to be.
///
/// It is read as JSON whatever its type is said to be: `curl -d` calls everything a form.
struct RequestBody {
    private let members: [(name: String, value: JSONRequest.Value)]

    /// Reads the body; a member that is not among `names` is refused, as it would be without effect.
    init(_ body: ByteBuffer, names: [String]) throws(HTTPProblem) {
        do throws(FrameError) {
            members = try JSONRequest(body).members
        } catch {
            throw HTTPProblem(
                .badRequest,
                detail: "the body is not the JSON object that is expected: \(error.message)",
                members: error.offset.map { [("offset", .integer($0))] } ?? []
            )
        }
        if let unknown = members.first(where: { !names.contains($0.name) }) {
            throw HTTPProblem(
                .badRequest,
                detail: "'\(unknown.name)' means nothing here; \(names.joined(separator: ", ")) do"
            )
        }
    }

    /// A list of 1 to `most` texts that `parse` can read.
    func list<Element>(
        _ name: String,
        of kind: String,
        most: Int,
        _ parse: (String) -> Element?
    ) throws(HTTPProblem) -> [Element] {
        guard case .strings(let texts)? = self[name], (1...most).contains(texts.count) else {
            throw HTTPProblem(.badRequest, detail: "\(name) is an array of 1 to \(most) \(kind)s, each a string")
        }
        var elements: [Element] = []
        for (index, text) in texts.enumerated() {
            guard let element = parse(text) else {
                throw HTTPProblem(.badRequest, detail: "\(name)[\(index)] can't be a \(kind)")
            }
            elements.append(element)
        }
        return elements
    }

    /// A duration within `range`; nil where there is none.
    func duration(_ name: String, in range: ClosedRange<Duration>) throws(HTTPProblem) -> Duration? {
        let text: String
        switch self[name] {
        case nil: return nil
        case .string(let string)?: text = string
        case .number(let number)?: text = number
        case .strings?, .other?: text = ""
        }
        return try Duration(parameter: name, text, in: range)
    }

    /// A text for people, up to `most` bytes long, made one line; nil where there is none.
    func line(_ name: String, most: Int) throws(HTTPProblem) -> String? {
        guard let value = self[name] else { return nil }
        guard case .string(let text) = value, text.utf8.count <= most else {
            throw HTTPProblem(.badRequest, detail: "\(name) is a string of at most \(most) bytes")
        }
        // Reasons are often what an exception says, over many lines.
        return text.hasControlCharacters
            ? String(String.UnicodeScalarView(text.unicodeScalars.map { $0.isControl ? " " : $0 })) : text
    }

    private subscript(name: String) -> JSONRequest.Value? {
        members.first { $0.name == name }?.value
    }
}

extension String {
    /// Whether there is one of the characters that have no business in a line of text.
    var hasControlCharacters: Bool {
        unicodeScalars.contains(where: \.isControl)
    }
}

extension Unicode.Scalar {
    fileprivate var isControl: Bool { properties.generalCategory == .control }
}

internal import FrameBuffer
internal import HTTPServer
internal import NIOHTTP1

extension HTTPRequest {
    /// Calls `body` with the query's parameters in turn; one that is not in `known` is refused.
    func forEachParameter(
        of known: [String],
        _ body: (_ name: String, _ value: String) throws(HTTPProblem) -> Void = { _, _ in }
    ) throws(HTTPProblem) {
        guard !query.isEmpty else { return }
        try query.validate()
        for name in query.names {
            guard known.contains(name) else {
                let list = known.joined(separator: ", ")
                throw HTTPProblem(.badRequest, detail: "'\(name)' is no parameter of \(path); there is \(list)")
            }
            try body(name, query[name] ?? "")
        }
    }

    /// The form in which a frame is wanted; 406 where it can't come so.
    func acceptedForm() throws(HTTPProblem) -> AcceptedForm {
        guard let form = AcceptedForm(headers.all("accept")) else {
            throw HTTPProblem(
                .notAcceptable,
                detail: "a frame comes as application/json, or as its payload for image/* and application/octet-stream"
            )
        }
        return form
    }
}

extension Int {
    /// Reads a parameter that is a number; 400 for anything else.
    init(parameter name: String, _ text: String, in range: ClosedRange<Int>) throws(HTTPProblem) {
        guard let number = Int(text), range.contains(number) else {
            let detail = "\(name) is a number from \(range.lowerBound) to \(range.upperBound)"
            throw HTTPProblem(.badRequest, detail: detail)
        }
        self = number
    }
}

extension Bool {
    /// Reads a parameter that is a truth value; 400 for anything else.
    init(parameter name: String, _ text: String) throws(HTTPProblem) {
        guard let truth = Bool(text) else { throw HTTPProblem(.badRequest, detail: "\(name) is true or false") }
        self = truth
    }
}

extension Duration {
    /// How long a caller may wait for a frame.
    static let waits = Duration.zero ... .seconds(60)

    /// Reads a parameter that is a duration; 400 for anything else.
    init(parameter name: String, _ text: String, in range: ClosedRange<Duration>) throws(HTTPProblem) {
        guard let duration = Duration(unitText: text), range.contains(duration) else {
            let (least, most) = (range.lowerBound.unitText, range.upperBound.unitText)
            throw HTTPProblem(
                .badRequest,
                detail: "\(name) is a duration from \(least) to \(most), such as 1500ms, 30s or 5m"
            )
        }
        self = duration
    }
}

extension StreamID {
    /// Reads a parameter that is a message id, where `0` is the one before all others; 400 for anything else.
    init(parameter name: String, _ text: String) throws(HTTPProblem) {
        guard let id = text == "0" ? .first : StreamID(text) else {
            throw HTTPProblem(.badRequest, detail: "\(name) is a message id, such as 1764032306000-0")
        }
        self = id
    }
}

extension FrameBufferProcess {
    /// `POST /enqueue` of a body of any type.
    func upload(
        _ body: [UInt8],
        type: String,
        query: String = "",
        headers: [(String, String)] = []
    ) async throws -> Reply {
        try await call("POST", "/enqueue\(query)", headers: [("Content-Type", type)] + headers, body: body)
    }

    /// `POST /enqueue` of a text of any type.
    func upload(
        _ text: String,
        type: String,
        query: String = "",
        headers: [(String, String)] = []
    ) async throws -> Reply {
        try await upload(Array(text.utf8), type: type, query: query, headers: headers)
    }
}

extension Reply {
    /// The frames that a batch's reply tells of.
    func frames() throws -> [JSON] {
        if case .array(let frames)? = try json()["frames"] { frames } else { [] }
    }
}

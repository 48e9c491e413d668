internal import FrameBuffer
internal import HTTPServer
internal import NIOHTTP1

/// What an enqueue request says about being the same as another one.
extension Deduplication {
    /// The most bytes of an `Idempotency-Key`.
    private static let longestKey = 256

    /// The key of a request, by its `Idempotency-Key` header or by `?dedup=frame_id`; nil where it has none.
    static func of(
        _ request: HTTPRequest,
        bringing frames: @autoclosure () -> [IncomingFrame]
    ) throws(HTTPProblem) -> Deduplication? {
        let key = try key(of: request.headers)
        guard !request.query.isEmpty, let wish = request.query["dedup"] else { return key.map { .key($0) } }
        guard wish == "frame_id" else {
            throw HTTPProblem(.badRequest, detail: "dedup can be frame_id, and nothing else")
        }
        if key != nil {
            throw HTTPProblem(.badRequest, detail: "send an Idempotency-Key or dedup=frame_id, not both")
        }
        let frames = frames()
        if let index = frames.firstIndex(where: { $0.frameID == nil }) {
            let name = frames.count > 1 ? "frame \(index) has none" : "this frame has none"
            throw HTTPProblem(.badRequest, detail: "dedup=frame_id needs a frame_id; \(name)")
        }
        return .frameID
    }

    private static func key(of headers: RequestFields) throws(HTTPProblem) -> String? {
        guard let key = headers.first("idempotency-key") else { return nil }
        guard headers.count(of: "idempotency-key") == 1, (1...longestKey).contains(key.utf8.count),
            key.utf8.allSatisfy({ (0x20...0x7E).contains($0) })
        else {
            throw HTTPProblem(
                .badRequest,
                detail: "an Idempotency-Key is 1 to \(longestKey) characters of printable ASCII, in one header"
            )
        }
        return key
    }
}

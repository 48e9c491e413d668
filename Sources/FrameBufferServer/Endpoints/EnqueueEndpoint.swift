internal import FrameBuffer
internal import HTTPServer
internal import NIOCore
internal import NIOHTTP1

/// `POST /enqueue`: one frame goes into the queue. The answer comes after Redis has it.
struct EnqueueEndpoint: Sendable {
    let queues: Queues
    let limits: FrameLimits

    func register(in router: inout Router<Endpoint>) {
        router.add(.POST, "/enqueue", Endpoint("/enqueue", tracing: .always, handle: enqueue))
    }

    @Sendable private func enqueue(_ request: HTTPRequest, caller: Caller) async throws -> Endpoint.Answer {
        try request.query.validate()
        let queue = try queues.queue(of: request)
        let frame = try frame(of: request)
        let enqueued = try await queue.enqueue(frame, for: caller)
        var json = JSONWriter()
        json.object {
            $0.member("status", "enqueued")
            $0.member("frame_id", enqueued.frameID)
            $0.member("message_id", enqueued.messageID.description)
            $0.member("queue", queue.configuration.name)
            $0.member("queue_size", enqueued.queueSize)
            $0.member("trace_id", enqueued.context?.traceID)
        }
        return Endpoint.Answer(response: HTTPResponse(json: json), context: enqueued.context)
    }

    // MARK: What was sent

    /// Reads the frame by the body's media type, never by what it begins with.
    private func frame(of request: HTTPRequest) throws -> IncomingFrame {
        if let coding = request.headers.first(name: "content-encoding"), coding.lowercased() != "identity" {
            throw HTTPProblem(
                .unsupportedMediaType,
                detail: "send the frame without Content-Encoding; Redis keeps bytes as they come"
            )
        }
        let contentType = request.headers.first(name: "content-type") ?? ""
        switch MediaType(contentType).name {
        case "application/json":
            return try .json(request.body, limits: limits)
        case "application/x-www-form-urlencoded":
            return try IncomingFrame.formIsJSON(request.body)
                ? .json(request.body, limits: limits) : .form(request.body, limits: limits)
        case "", "text/plain":
            throw HTTPProblem(.unsupportedMediaType, detail: Self.types)
        case "application/x-ndjson", "multipart/form-data":
            throw HTTPProblem(.unsupportedMediaType, detail: "one frame a request: " + Self.types)
        default:
            return try .raw(request.body, contentType: contentType, fields: fields(of: request), limits: limits)
        }
    }

    private static let types = """
        send 'Content-Type: application/json' with a JSON object, or a payload with its own type, \
        'Content-Type: image/jpeg' for instance
        """

    /// The fields beside a payload: the query's, and those of the headers that the query does not name.
    private func fields(of request: HTTPRequest) -> [(name: String, value: String)] {
        var fields: [(name: String, value: String)] = []
        if !request.query.isEmpty {
            for name in request.query.names where name != "queue" {
                fields.append((name, request.query[name] ?? ""))
            }
        }
        for (header, name) in Self.headers {
            if let value = request.headers.first(name: header), !fields.contains(where: { $0.name == name }) {
                fields.append((name, value))
            }
        }
        return fields
    }

    private static let headers = [
        ("X-Frame-Id", "frame_id"), ("X-Frame-Camera-Id", "camera_id"), ("X-Frame-Timestamp", "timestamp"),
    ]
}

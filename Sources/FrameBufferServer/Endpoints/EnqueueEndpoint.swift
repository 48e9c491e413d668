internal import FrameBuffer
internal import HTTPServer
internal import NIOCore
internal import NIOHTTP1

/// `POST /enqueue`: a frame, or a batch of them, goes into the queue. The answer comes after Redis has it.
struct EnqueueEndpoint: Sendable {
    let queues: Queues
    let limits: FrameLimits

    /// What a request brings.
    private enum Upload {
        case frame(IncomingFrame)
        case batch([IncomingFrame])

        var frames: [IncomingFrame] {
            switch self {
            case .frame(let frame): [frame]
            case .batch(let frames): frames
            }
        }
    }

    func register(in router: inout Router<Endpoint>) {
        router.add(.POST, "/enqueue", tracing: .always, handle: enqueue)
    }

    @Sendable private func enqueue(_ request: HTTPRequest, caller: Caller) async throws -> Endpoint.Answer {
        let order = try order(of: request)
        if let frame = order.single {
            return single(try await order.queue.enqueue(frame, for: caller), of: order.queue)
        }
        return try await enqueue(order, for: caller)
    }

    /// What is to be done.
    private struct Order {
        let queue: FrameBuffer
        let upload: Upload
        let deduplication: Deduplication?

        /// The frame, if it is only one and never known already.
        var single: IncomingFrame? {
            if deduplication == nil, case .frame(let frame) = upload { frame } else { nil }
        }
    }

    @inline(never)
    private func order(of request: HTTPRequest) throws -> Order {
        try request.query.validate()
        let queue = try queues.queue(of: request)
        let upload = try upload(of: request)
        return Order(
            queue: queue,
            upload: upload,
            deduplication: try Deduplication.of(request, bringing: upload.frames)
        )
    }

    /// A batch, or a frame that may be known already.
    private func enqueue(_ order: Order, for caller: Caller) async throws -> Endpoint.Answer {
        let enqueued = try await order.queue.enqueue(order.upload.frames, by: order.deduplication, for: caller)
        if case .frame = order.upload, enqueued.count == 1 { return single(enqueued[0], of: order.queue) }
        return batch(enqueued)
    }

    // MARK: What is answered

    @inline(never)
    private func single(_ enqueued: EnqueuedFrame, of queue: FrameBuffer) -> Endpoint.Answer {
        var json = JSONWriter()
        json.object {
            $0.member("status", enqueued.isDuplicate ? "duplicate" : "enqueued")
            $0.member("frame_id", enqueued.frameID)
            $0.member("message_id", enqueued.messageID)
            $0.member("queue", queue.configuration.name)
            $0.member("queue_size", enqueued.queueSize)
            $0.member("trace_id", traceIDOf: enqueued.context)
        }
        return Endpoint.Answer(response: HTTPResponse(json: json), context: enqueued.context)
    }

    /// A batch is a duplicate if nothing of it was written; where only some of it was known, those frames say so.
    private func batch(_ enqueued: [EnqueuedFrame]) -> Endpoint.Answer {
        let isDuplicate = enqueued.allSatisfy(\.isDuplicate)
        var json = JSONWriter()
        json.object {
            $0.member("status", isDuplicate ? "duplicate" : "enqueued")
            $0.array("frames") { json in
                for frame in enqueued {
                    json.object {
                        $0.member("frame_id", frame.frameID)
                        $0.member("message_id", frame.messageID)
                        $0.member("trace_id", traceIDOf: frame.context)
                        if frame.isDuplicate, !isDuplicate { $0.member("duplicate", true) }
                    }
                }
            }
            $0.member("queue_size", enqueued.last?.queueSize)
        }
        return Endpoint.Answer(response: HTTPResponse(json: json), batch: enqueued.count)
    }

    // MARK: What was sent

    /// Reads what was sent by the body's media type, never by what it begins with.
    private func upload(of request: HTTPRequest) throws -> Upload {
        if let coding = request.headers.first("content-encoding"), coding.lowercased() != "identity" {
            throw HTTPProblem(
                .unsupportedMediaType,
                detail: "send the frame without Content-Encoding; Redis keeps bytes as they come"
            )
        }
        // Most are this, which is seen without making a text of it.
        if request.headers.first("content-type", is: "application/json") { return try json(request.body) }
        let contentType = request.headers.first("content-type") ?? ""
        switch MediaType(contentType).name {
        case "application/json":
            return try json(request.body)
        case "application/x-ndjson":
            return .batch(try IncomingFrame.lines(request.body, limits: limits))
        case "application/x-www-form-urlencoded":
            return try IncomingFrame.formIsJSON(request.body)
                ? json(request.body) : .frame(.form(request.body, limits: limits))
        case "multipart/form-data":
            guard let boundary = MediaType.parameter("boundary", of: contentType) else {
                throw HTTPProblem(.badRequest, detail: "multipart/form-data needs the boundary in its Content-Type")
            }
            return .frame(try .multipart(request.body, boundary: boundary, limits: limits))
        case "", "text/plain":
            throw HTTPProblem(.unsupportedMediaType, detail: Self.types)
        default:
            return .frame(
                try .raw(request.body, contentType: contentType, fields: fields(of: request), limits: limits)
            )
        }
    }

    private func json(_ body: ByteBuffer) throws(FrameError) -> Upload {
        if IncomingFrame.isBatch(body) { return .batch(try IncomingFrame.batch(body, limits: limits)) }
        return .frame(try .json(body, limits: limits))
    }

    private static let types = """
        send 'Content-Type: application/json' with a JSON object or an array of them, or a payload with its own type, \
        'Content-Type: image/jpeg' for instance
        """

    /// The fields beside a payload: the query's, and those of the headers that the query does not name.
    private func fields(of request: HTTPRequest) -> [(name: String, value: String)] {
        var fields: [(name: String, value: String)] = []
        if !request.query.isEmpty {
            for name in request.query.names where name != "queue" && name != "dedup" {
                fields.append((name, request.query[name] ?? ""))
            }
        }
        for (header, name) in Self.headers {
            if let value = request.headers.first(header), !fields.contains(where: { $0.name == name }) {
                fields.append((name, value))
            }
        }
        return fields
    }

    private static let headers: [(StaticString, String)] = [
        ("x-frame-id", "frame_id"), ("x-frame-camera-id", "camera_id"), ("x-frame-timestamp", "timestamp"),
    ]
}

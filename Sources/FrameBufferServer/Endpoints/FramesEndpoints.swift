internal import FrameBuffer
internal import HTTPServer
internal import NIOCore
internal import NIOHTTP1

/// Frames that are looked at where they stand, or deleted: `/frames`, `/frames/{message_id}`; and `/tail`, which reads along.
struct FramesEndpoints: Sendable {
    let queues: Queues

    private static let counts = 1...1000

    func register(in router: inout Router<Endpoint>) {
        router.add(.GET, "/frames", tracing: .never, handle: list)
        router.add(.DELETE, "/frames", tracing: .always, handle: purge)
        let one = "/frames/{message_id}"
        router.add(.GET, one, tracing: .never, handle: show)
        router.add(.DELETE, one, tracing: .always, handle: delete)
        router.add(.GET, "/tail", tracing: .never, handle: tail)
    }

    // MARK: Looking

    @Sendable private func list(_ request: HTTPRequest, caller: Caller) async throws -> Endpoint.Answer {
        let queue = try queues.queue(of: request)
        var (after, count, cameraID, hasData) = (StreamID.first, 100, nil as String?, false)
        try request.forEachParameter(of: ["queue", "after", "count", "camera_id", "data"]) {
            name,
            value throws(HTTPProblem) in
            switch name {
            case "after": after = try StreamID(parameter: name, value)
            case "count": count = try Int(parameter: name, value, in: Self.counts)
            case "camera_id": cameraID = value
            case "data": hasData = try Bool(parameter: name, value)
            default: break
            }
        }
        let look = try await queue.look(after: after, count: count, cameraID: cameraID)
        return answer(look, next: look.isAtEnd ? nil : look.last, hasData: hasData)
    }

    @Sendable private func tail(_ request: HTTPRequest, caller: Caller) async throws -> Endpoint.Answer {
        let queue = try queues.queue(of: request)
        var (after, count, wait) = (nil as StreamID?, 100, Duration.seconds(1))
        try request.forEachParameter(of: ["queue", "after", "count", "wait"]) { name, value throws(HTTPProblem) in
            switch name {
            case "after": after = value == "$" ? nil : try StreamID(parameter: name, value)
            case "count": count = try Int(parameter: name, value, in: Self.counts)
            case "wait": wait = try Duration(parameter: name, value, in: Duration.waits)
            default: break
            }
        }
        let look = try await queue.tail(after: after, count: count, wait: wait)
        return answer(look, next: look.last, hasData: true)
    }

    @Sendable private func show(_ request: HTTPRequest, caller: Caller) async throws -> Endpoint.Answer {
        let queue = try queues.queue(of: request)
        try request.forEachParameter(of: ["queue"])
        let id = try Self.messageID(of: request)
        let form = try request.acceptedForm()
        guard let entry = try await queue.frame(id) else { throw Self.notFound(id) }
        let response = entry.withStored { stored in
            if form == .payload, let payload = stored.payload {
                return HTTPResponse(payload: payload, of: stored, id: entry.id, context: stored.context)
            }
            var json = JSONWriter()
            json.object { $0.members(of: entry, stored, hasData: true) }
            return HTTPResponse(json: json)
        }
        return Endpoint.Answer(response: response)
    }

    private func answer(_ look: Look, next: StreamID?, hasData: Bool) -> Endpoint.Answer {
        var json = JSONWriter()
        json.object {
            $0.array("frames") { json in
                for entry in look.frames {
                    entry.withStored { stored in json.object { $0.members(of: entry, stored, hasData: hasData) } }
                }
            }
            $0.member("next", next?.description)
        }
        return Endpoint.Answer(response: HTTPResponse(json: json))
    }

    // MARK: Deleting

    @Sendable private func delete(_ request: HTTPRequest, caller: Caller) async throws -> Endpoint.Answer {
        let queue = try queues.queue(of: request)
        try request.forEachParameter(of: ["queue"])
        let id = try Self.messageID(of: request)
        guard try await queue.delete(id, for: caller) else { throw Self.notFound(id) }
        return Endpoint.Answer(response: HTTPResponse("deleted", 1))
    }

    @Sendable private func purge(_ request: HTTPRequest, caller: Caller) async throws -> Endpoint.Answer {
        let queue = try queues.queue(of: request)
        try request.forEachParameter(of: ["queue"])
        return Endpoint.Answer(response: HTTPResponse("deleted", try await queue.purge(for: caller)))
    }

    // MARK: What is asked for

    private static func notFound(_ id: StreamID) -> HTTPProblem {
        HTTPProblem(.notFound, detail: "there is no frame \(id) in the queue, or it is settled")
    }

    private static func messageID(of request: HTTPRequest) throws(HTTPProblem) -> StreamID {
        try StreamID(parameter: "message_id", request.pathParameters["message_id"] ?? "")
    }
}

extension JSONWriter {
    /// The members that say all of a frame that is looked at.
    mutating func members(of entry: FrameEntry, _ stored: StoredFrame, hasData: Bool) {
        let context = stored.context
        member("message_id", entry.id)
        member("frame") { stored.writeJSON(into: &$0, context: context, hasPayload: hasData) }
        member("trace_id", traceIDOf: context)
    }
}

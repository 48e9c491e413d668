internal import FrameBuffer
internal import FrameTracking
internal import HTTPServer
internal import NIOCore
internal import NIOHTTP1

/// `/dead-letters`: frames that were given up on are looked at, put into the queue again, or deleted.
struct DeadLetterEndpoints: Sendable {
    let queues: Queues

    private static let counts = 1...1000

    func register(in router: inout Router<Endpoint>) {
        let path = "/dead-letters"
        router.add(.GET, path, tracing: .never, handle: list)
        router.add(.DELETE, path, tracing: .always, handle: delete)
        router.add(.POST, path + "/redrive", tracing: .always, handle: redrive)
    }

    @Sendable private func list(_ request: HTTPRequest, caller: Caller) async throws -> Endpoint.Answer {
        let queue = try queues.queue(of: request)
        var (after, count) = (nil as StreamID?, 100)
        try request.forEachParameter(of: ["queue", "after", "count"]) { name, value throws(HTTPProblem) in
            switch name {
            case "after": after = try StreamID(parameter: name, value)
            case "count": count = try Int(parameter: name, value, in: Self.counts)
            default: break
            }
        }
        let letters = try await queue.deadLetters(after: after, count: count)
        var json = JSONWriter()
        json.object {
            $0.array("dead_letters") { json in
                for letter in letters { json.object { $0.members(of: letter) } }
            }
            $0.member("next", letters.count == count ? letters.last?.id.description : nil)
        }
        return Endpoint.Answer(response: HTTPResponse(json: json))
    }

    @Sendable private func redrive(_ request: HTTPRequest, caller: Caller) async throws -> Endpoint.Answer {
        let queue = try queues.queue(of: request)
        try request.forEachParameter(of: ["queue"])
        let redriven = try await queue.redrive(try messageIDs(of: request), for: caller)
        return Endpoint.Answer(response: HTTPResponse("redriven", redriven))
    }

    @Sendable private func delete(_ request: HTTPRequest, caller: Caller) async throws -> Endpoint.Answer {
        let queue = try queues.queue(of: request)
        try request.forEachParameter(of: ["queue"])
        let deleted = try await queue.deleteDeadLetters(try messageIDs(of: request))
        return Endpoint.Answer(response: HTTPResponse("deleted", deleted))
    }

    /// The letters that are meant; nil for all of them.
    private func messageIDs(of request: HTTPRequest) throws -> [StreamID]? {
        guard request.body.readableBytes > 0 else { return nil }
        let body = try RequestBody(request.body, names: ["message_ids"])
        return try body.list("message_ids", of: "message_id", most: FrameBuffer.mostDeadLetters) { StreamID($0) }
    }
}

extension JSONWriter {
    /// The members that say all of one dead letter.
    fileprivate mutating func members(of letter: DeadLetter) {
        member("message_id", letter.id)
        member("original_message_id", letter.formerID)
        member("frame_id", letter.frameID)
        member("camera_id", letter.cameraID)
        member("reason", letter.reason)
        member("deliveries", letter.deliveries)
        member("trace_id", letter.context?.traceID.hex)
        member("dead_at", LogTimestamp(milliseconds: Int64(letter.diedAt)).description)
    }
}

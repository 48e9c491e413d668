internal import FrameBuffer
internal import HTTPServer
internal import NIOHTTP1

/// `GET /queue/size`: how many frames there are, and where.
struct QueueEndpoints: Sendable {
    let queues: Queues

    func register(in router: inout Router<Endpoint>) {
        for path in ["/queue/size", "/queue-size"] {
            router.add(.GET, path, Endpoint(path, tracing: .never, handle: size))
        }
    }

    @Sendable private func size(_ request: HTTPRequest, caller: Caller) async throws -> Endpoint.Answer {
        try request.query.validate()
        let queue = try queues.queue(of: request)
        let size = try await queue.size()
        var json = JSONWriter()
        json.object {
            $0.member("queue", queue.configuration.name)
            $0.member("size", size.size)
            $0.member("waiting", size.waiting)
            $0.member("leased", size.leased)
            $0.member("dead", size.dead)
            $0.member("capacity", size.capacity)
            $0.member("bytes", size.bytes)
            if let most = size.capacityBytes { $0.member("capacity_bytes", most) }
            $0.member("oldest_age_ms", size.oldestAge?.milliseconds)
        }
        return Endpoint.Answer(response: HTTPResponse(json: json))
    }
}

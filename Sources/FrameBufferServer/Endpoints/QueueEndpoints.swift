internal import FrameBuffer
internal import HTTPServer
internal import NIOHTTP1

/// `GET /queue/size`: how many frames there are, and where. `GET /queue`: the same, and who has to do with them.
struct QueueEndpoints: Sendable {
    let queues: Queues

    func register(in router: inout Router<Endpoint>) {
        for method in [HTTPMethod.GET, .HEAD] {
            for path in ["/queue/size", "/queue-size"] {
                router.add(method, path, tracing: .never, handle: size)
            }
            router.add(method, "/queue", tracing: .never, handle: detail)
        }
    }

    @Sendable private func size(_ request: HTTPRequest, caller: Caller) async throws -> Endpoint.Answer {
        let queue = try queues.queue(of: request)
        try request.forEachParameter(of: ["queue"])
        let size = try await queue.size()
        var json = JSONWriter()
        json.object { $0.members(of: size, queue.configuration) }
        return Endpoint.Answer(response: HTTPResponse(json: json))
    }

    @Sendable private func detail(_ request: HTTPRequest, caller: Caller) async throws -> Endpoint.Answer {
        let queue = try queues.queue(of: request)
        try request.forEachParameter(of: ["queue"])
        let (size, detail) = (try await queue.size(), try await queue.detail())
        var json = JSONWriter()
        json.object {
            $0.members(of: size, queue.configuration)
            $0.members(of: detail, group: queue.configuration.group)
        }
        return Endpoint.Answer(response: HTTPResponse(json: json))
    }
}

extension JSONWriter {
    fileprivate mutating func members(of size: QueueSize, _ configuration: QueueConfiguration) {
        member("queue", configuration.name)
        member("size", size.size)
        member("waiting", size.waiting)
        member("leased", size.leased)
        member("dead", size.dead)
        member("capacity", size.capacity)
        member("bytes", size.bytes)
        if let most = size.capacityBytes { member("capacity_bytes", most) }
        member("oldest_age_ms", size.oldestAge?.milliseconds)
    }

    fileprivate mutating func members(of detail: QueueDetail, group: String) {
        member("leases", detail.leases)
        member("leases_listed", detail.leasesListed)
        array("groups") { json in
            for other in detail.groups { json.object { $0.members(of: other, isOurs: other.name == group) } }
        }
        array("consumers") { json in
            for consumer in detail.consumers { json.object { $0.members(of: consumer) } }
        }
        array("cameras") { json in
            for camera in detail.cameras { json.object { $0.members(of: camera) } }
        }
        object("counters") {
            $0.member("trimmed", detail.trimmed)
            $0.members(of: detail.losses)
        }
    }

    private mutating func members(of group: QueueDetail.Group, isOurs: Bool) {
        member("name", group.name)
        member("ours", isOurs)
        member("consumers", group.consumers)
        member("pending", group.pending)
        member("last_delivered_id", group.lastDeliveredID)
        member("lag", group.lag)
    }

    private mutating func members(of consumer: QueueDetail.Consumer) {
        member("consumer", consumer.label)
        member("leased", consumer.leases.count)
        array("leases") { json in
            for lease in consumer.leases {
                json.object {
                    $0.member("message_id", lease.messageID)
                    $0.member("frame_id", lease.frameID)
                    $0.member("trace_id", lease.traceID)
                    $0.member("deliveries", lease.deliveries)
                    $0.member("expires_in_ms", lease.expiresIn)
                    $0.member("nacked", lease.isNacked)
                    if let reason = lease.reason { $0.member("reason", reason) }
                }
            }
        }
    }

    private mutating func members(of camera: QueueDetail.Camera) {
        member("camera_id", camera.id)
        if let last = camera.last {
            object("last_frame") {
                $0.member("frame_id", last.frameID)
                $0.member("message_id", last.messageID)
                let milliseconds = Int64(clamping: last.messageID.milliseconds)
                $0.member("enqueued_at", LogTimestamp(milliseconds: milliseconds).description)
            }
        } else {
            member("last_frame", nil as String?)
        }
        members(of: camera.losses)
    }

    private mutating func members(of losses: QueueDetail.Losses) {
        member("dropped", losses.dropped)
        member("expired", losses.expired)
        member("superseded", losses.superseded)
    }
}

import RedisTesting
import Testing

/// What a test wants to know of one answer to `GET /dequeue`.
struct HandedOut: Equatable, Sendable {
    let frameID: String
    /// Which delivery it says this is.
    let deliveries: Int

    init(_ frameID: String, deliveries: Int = 1) {
        self.frameID = frameID
        self.deliveries = deliveries
    }

    /// All frames of an answer, in order; none of an empty one.
    static func all(in reply: Reply) throws -> [HandedOut] {
        let answer = try reply.json()
        guard reply.status == 200, let status = answer["status"]?.string else {
            throw FrameBufferProcess.Failure(description: "dequeue: \(reply.status) \(reply.text.prefix(500))")
        }
        guard status == "dequeued" else { return [] }
        guard case .array(let frames)? = answer["frames"] else { return [try HandedOut(answer)] }
        return try frames.map(HandedOut.init)
    }

    private init(_ element: JSON) throws {
        guard let frameID = element["frame"]?["frame_id"]?.string, let deliveries = element["deliveries"]?.integer
        else { throw JSON.Invalid() }
        self.init(frameID, deliveries: deliveries)
    }
}

/// `GET /queue/size`, as far as it counts frames.
struct Counts: Equatable, Sendable {
    var waiting = 0
    var leased = 0
    var dead = 0
}

extension FrameBufferProcess {
    /// Enqueues small frames of these ids, in this order.
    func post(_ frameIDs: String...) async throws {
        for frameID in frameIDs {
            let reply = try await enqueue(#"{"frame_id":"\#(frameID)"}"#)
            guard reply.status == 200 else { throw Failure(description: "enqueue: \(reply.status) \(reply.text)") }
        }
    }

    /// Dequeues one frame over a client that keeps its connections; nil where none came.
    func take(wait: String = "10s") async throws -> HandedOut? {
        try HandedOut.all(in: try await get("/dequeue?wait=\(wait)")).first
    }

    func counts() async throws -> Counts {
        let json = try await get("/queue/size").json()
        guard let waiting = json["waiting"]?.integer, let leased = json["leased"]?.integer,
            let dead = json["dead"]?.integer, json["size"]?.integer == waiting + leased
        else { throw Failure(description: "queue size: \(json)") }
        return Counts(waiting: waiting, leased: leased, dead: dead)
    }

    /// Whether the queue comes to hold exactly that.
    func comesTo(_ counts: Counts, within limit: Duration = .seconds(10)) async throws -> Bool {
        try await eventually(within: limit) { try await self.counts() == counts }
    }
}

extension RawConnection {
    /// The text of a dequeue.
    static func poll(_ query: String = "wait=30s", version: String = "1.1", headers: [String] = []) -> String {
        (["GET /dequeue?\(query) HTTP/\(version)", "Host: test"] + headers).map { $0 + "\r\n" }.joined() + "\r\n"
    }

    /// The text of an enqueue of JSON.
    static func frame(_ json: String) -> String {
        "POST /enqueue HTTP/1.1\r\nHost: test\r\nContent-Type: application/json\r\nContent-Length: \(json.utf8.count)\r\n\r\n"
            + json
    }

    /// A request that nothing hangs on.
    static let liveness = "GET /health/live HTTP/1.1\r\nHost: test\r\n\r\n"

    /// Sends a dequeue.
    func poll(_ query: String = "wait=30s", headers: [String] = []) throws {
        try send(Self.poll(query, headers: headers))
    }

    /// The next response, waited for on a thread of its own; nil where the connection ended before.
    func next(within limit: Double = 30) async throws -> Reply? {
        try await Self.blocking { try self.response(within: limit) }
    }

    /// The frames of the next response.
    func handedOut(within limit: Double = 30) async throws -> [HandedOut] {
        try HandedOut.all(in: try #require(try await next(within: limit)))
    }

    /// Whether the peer closes in time, waited for on a thread of its own.
    func closes(within limit: Double = 30) async throws -> Bool {
        try await Self.blocking { self.isClosed(within: limit) }
    }
}

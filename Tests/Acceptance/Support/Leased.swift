/// What a test wants to know of one frame that was handed out under a lease.
struct Leased: Equatable, Sendable {
    let frameID: String
    let messageID: String
    let receipt: String
    let deliveries: Int
    let expiresIn: Int

    /// All frames of an answer, in order; none of an empty one.
    static func all(in reply: Reply) throws -> [Leased] {
        let answer = try reply.json()
        guard reply.status == 200, let status = answer["status"]?.string else {
            throw FrameBufferProcess.Failure(description: "dequeue: \(reply.status) \(reply.text.prefix(500))")
        }
        guard status == "dequeued" else { return [] }
        guard case .array(let frames)? = answer["frames"] else { return [try Leased(answer)] }
        return try frames.map(Leased.init)
    }

    private init(_ element: JSON) throws {
        guard let frameID = element["frame"]?["frame_id"]?.string, let messageID = element["message_id"]?.string,
            let receipt = element["lease"]?["receipt"]?.string, let deliveries = element["deliveries"]?.integer,
            let expiresIn = element["lease"]?["expires_in_ms"]?.integer
        else { throw JSON.Invalid() }
        self.frameID = frameID
        self.messageID = messageID
        self.receipt = receipt
        self.deliveries = deliveries
        self.expiresIn = expiresIn
    }
}

/// What became of receipts.
struct SettlingAnswer: Equatable {
    let status: Int
    /// 0 where the answer does not say.
    let settled: Int
    let stale: [String]

    init(_ status: Int, settled: Int = 0, stale: [String] = []) {
        self.status = status
        self.settled = settled
        self.stale = stale
    }
}

extension FrameBufferProcess {
    /// Dequeues one frame under a lease, over a client that keeps its connections; nil where none came.
    func lease(_ duration: String = "60s", wait: String = "10s") async throws -> Leased? {
        try Leased.all(in: try await get("/dequeue?lease=\(duration)&wait=\(wait)")).first
    }

    /// Dequeues that many frames under leases, in as many requests as it takes; fewer where no more come.
    func leaseAll(_ count: Int, _ duration: String = "60s", wait: String = "5s") async throws -> [Leased] {
        var leased: [Leased] = []
        while leased.count < count {
            let query = "lease=\(duration)&wait=\(wait)&count=\(min(100, count - leased.count))"
            let more = try Leased.all(in: try await get("/dequeue?\(query)"))
            if more.isEmpty { break }
            leased += more
        }
        return leased
    }

    /// `POST /ack` and the like, with members beside the receipts.
    func settle(_ path: String, _ receipts: [String], _ members: String = "") async throws -> SettlingAnswer {
        let list = receipts.map { "\"\($0)\"" }.joined(separator: ",")
        let body = #"{"receipts":[\#(list)]\#(members.isEmpty ? "" : ",")\#(members)}"#
        let headers = [("Content-Type", "application/json")]
        let reply = try await call("POST", path, headers: headers, body: Array(body.utf8))
        guard case .array(let stale)? = try reply.json()["stale"] else { return SettlingAnswer(reply.status) }
        return SettlingAnswer(
            reply.status,
            settled: try reply.json()["settled"]?.integer ?? -1,
            stale: stale.compactMap(\.string)
        )
    }

    /// The same of one receipt.
    func settle(_ path: String, _ frame: Leased?, _ members: String = "") async throws -> SettlingAnswer {
        try await settle(path, [frame?.receipt ?? "none"], members)
    }
}

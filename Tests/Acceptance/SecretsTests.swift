import RedisTesting
import Testing

@Suite("A password in REDIS_URL")
struct SecretsTests {
    /// What Frame Buffer's documentation says a user needs, and nothing else.
    private static let rights = """
        +ping +select +auth +xadd +xlen +xrange +xrevrange +xread +xreadgroup +xack +xdel +xclaim +xautoclaim +xpending \
        +xtrim \
        +xgroup|create +xgroup|setid +xgroup|delconsumer +xinfo|groups +xinfo|consumers +zadd +zrem +zrange +zrangebyscore \
        +zscore +zcard +zremrangebyscore +hget +hset +hdel +hlen +hincrby +hgetall +get +set +del +exists +time +eval +evalsha \
        +script|load +memory|usage +multi +exec
        """

    private static let password = "p@ss/w#rd:="
    private static let encoded = "p%40ss%2Fw%23rd%3A%3D"

    private func url(_ redis: RedisServer, password: String) -> String { "unix://fb:\(password)@\(redis.socket)" }

    /// What a second user may who administers Redis, where the first is off.
    private func asAdministrator(_ redis: RedisServer, _ words: String...) async throws {
        let login = ["--user", "admin", "--pass", "a", "--no-auth-warning"]
        _ = try await redis.cli(login + words)
    }

    private func addUser(_ redis: RedisServer) async throws {
        let user = ["ACL", "SETUSER", "fb", "on", ">\(Self.password)", "~frames:*"]
        let answer = try await redis.cli(user + Self.rights.split(whereSeparator: \.isWhitespace).map(String.init))
        #expect(answer == "OK")
    }

    @Test("may hold any character, and its user needs no right but those documented", arguments: [true, false])
    func leastRights(isEncoded: Bool) async throws {
        let redis = try await RedisServer()
        try await addUser(redis)
        try await redis.cli("ACL", "SETUSER", "admin", "on", ">a", "~*", "+@all")
        try await asAdministrator(redis, "ACL", "SETUSER", "default", "off")
        // As cloud providers hand keys out: not encoded, up to the last @.
        let password = isEncoded ? Self.encoded : Self.password
        let environment = ["LOG_LEVEL": "trace", "FRAMEBUFFER_CAPACITY_FRAMES": "3"]
        let service = try await FrameBufferProcess(redis: url(redis, password: password), environment)
        #expect(try await service.get("/health/ready").status == 200)
        for number in 0..<3 { #expect(try await service.enqueue(#"{"frame_id":"\#(number)"}"#).status == 200) }
        #expect(try await service.enqueue(#"{"frame_id":"more"}"#).status == 429)
        // One that is put back, since its caller resets the connection, and one that can't be served.
        let connection = try RawConnection(port: service.port)
        try connection.send("GET /dequeue HTTP/1.1\r\nHost: h\r\n\r\n")
        #expect(try connection.response()?.status == 200)
        connection.reset()
        try await asAdministrator(redis, "XADD", "frames:queue", "*", "a", "b", "_json", "c")
        for number in 0..<3 { #expect(try await service.dequeue()?["frame_id"] == .string("\(number)")) }
        #expect(try await service.dequeue(wait: "0") == nil)
        var size = ""
        let isSettled = try await eventually {
            let reply = try await service.get("/queue/size")
            size = reply.text
            return try reply.json()["size"]?.integer == 0 && reply.json()["dead"]?.integer == 1
        }
        #expect(isSettled, "\(size) \(service.log)")
        #expect(try await service.get("/health").json()["status"] == .string("healthy"))
        // Leases, however they end, and dead letters.
        for id in ["acked", "nacked", "rejected"] { try await service.post(id) }
        let frames = try await service.leaseAll(3, "2s")
        #expect(try await service.settle("/extend", frames.map(\.receipt), #""lease":"1s""#).settled == 3)
        #expect(try await service.settle("/ack", [frames[0].receipt]).settled == 1)
        #expect(try await service.settle("/reject", [frames[2].receipt]).settled == 1)
        let nacked = try #require(try await service.lease())
        #expect(nacked.frameID == "nacked" && nacked.deliveries == 2)
        #expect(try await service.settle("/nack", nacked, #""delay":"1s""#).settled == 1)
        #expect(try await service.settle("/ack", try await service.lease()).settled == 1)
        #expect(try await service.get("/dead-letters").json()["dead_letters"]?[1]?["frame_id"]?.string == "rejected")
        #expect(try await service.call("POST", "/dead-letters/redrive").status == 200)
        #expect(try await service.call("DELETE", "/dead-letters").status == 200)
        // The group is made again where it is lost.
        try await asAdministrator(redis, "FLUSHALL")
        #expect(try await service.enqueue(#"{"frame_id":"f","camera_id":"cam"}"#).status == 200)
        let leased = try await service.lease()
        #expect(leased?.frameID == "f")
        // Another loop may have enqueued it, and tells of it within a second.
        let isTold = try await eventually {
            let queue = try await service.get("/queue").json()
            return queue["cameras"]?[0]?["camera_id"] == .string("cam") && queue["leases"]?.integer == 1
        }
        #expect(isTold)
        #expect(!service.log.contains("NOPERM"), "\(service.log)")
        #expect(!service.log.contains(Self.password) && !service.log.contains(Self.encoded), "\(service.log)")
        await service.kill()
    }

    @Test("of such a user does for what is done with old frames, too: dropped, expired, superseded, kept, deleted")
    func leastRightsForOldFrames() async throws {
        let redis = try await RedisServer()
        try await addUser(redis)
        let service = try await FrameBufferProcess(
            redis: url(redis, password: Self.password),
            [
                "LOG_LEVEL": "trace", "FRAMEBUFFER_CAPACITY_FRAMES": "5", "FRAMEBUFFER_CAPACITY_BYTES": "10MiB",
                "FRAMEBUFFER_OVERFLOW": "drop-oldest", "FRAMEBUFFER_RETENTION": "stream",
                "FRAMEBUFFER_KEEP_FRAMES": "2",
            ]
        )
        for number in 0..<7 { try await service.add("\(number)") }
        #expect(try await service.get("/dequeue?mode=latest").json()["frame"]?["frame_id"] == .string("6"))
        let reply = try await service.enqueue(#"{"frame_id":"old","timestamp":1}"#)
        #expect(reply.status == 200)
        #expect(try await service.get("/dequeue?max_age=1s").json()["status"] == .string("empty"))
        let id = try #require(try await service.enqueue(#"{"frame_id":"gone"}"#).json()["message_id"]?.string)
        #expect(try await service.call("DELETE", "/frames/\(id)").status == 200)
        try await service.add("purged")
        #expect(try await service.call("DELETE", "/frames").status == 200)
        let isEmpty = try await eventually { try await service.get("/queue/size").json()["size"]?.integer == 0 }
        #expect(isEmpty, "\(service.log)")
        let length = try await eventually { try await redis.cli("XLEN", "frames:queue") == "2" }
        #expect(length)
        let counters = try await redis.cli("HGETALL", "frames:queue:{frames:queue}:counters")
        for counter in ["dropped\n2", "superseded\n4", "expired\n1", "trimmed\n8"] {
            #expect(counters.contains(counter), "\(counters)")
        }
        #expect(!service.log.contains("NOPERM"), "\(service.log)")
        await service.kill()
    }

    @Test("that is wrong makes the service unready, with one clear line in the log, and stands in no answer or line")
    func wrong() async throws {
        let redis = try await RedisServer()
        try await addUser(redis)
        let secret = "s3cr3t%2Fw%23ng"
        let service = try await FrameBufferProcess(redis: url(redis, password: secret), ["LOG_LEVEL": "info"])
        #expect(try await service.get("/health/live").status == 200)
        var answers: [String] = []
        for _ in 0..<5 {
            for path in ["/health/ready", "/health", "/queue/size", "/dequeue?wait=0", "/dequeue?wait=3s&count=2"] {
                let reply = try await service.get(path)
                #expect(reply.status == 503, "\(path): \(reply.text)")
                answers.append(reply.text)
            }
            let reply = try await service.enqueue(#"{"frame_id":"f"}"#)
            try reply.expectProblem(503)
            answers.append(reply.text)
        }
        let complaints = service.log.split(separator: "\n").filter { $0.contains("WRONGPASS") }
        #expect(complaints.count == 1, "\(service.log)")
        #expect(service.logLineCount <= 4, "\(service.log)")
        for text in answers + [service.log] {
            for word in [secret, "s3cr3t/w#ng", "s3cr3t"] { #expect(!text.contains(word), "\(text)") }
        }
        // It needs no restart once the password is right.
        try await redis.cli("ACL", "SETUSER", "fb", ">s3cr3t/w#ng")
        #expect(try await eventually(within: .seconds(5)) { try await service.get("/health/ready").status == 200 })
        #expect(try await service.enqueue(#"{"frame_id":"f"}"#).status == 200)
        await service.kill()
    }

    @Test("does not show when Redis is away or the URL is nonsense, at any level of the log")
    func away() async throws {
        let redis = try await RedisServer()
        redis.kill()
        let service = try await FrameBufferProcess(redis: url(redis, password: "s3cr3t"), ["LOG_LEVEL": "trace"])
        for path in ["/health/ready", "/health", "/queue/size", "/dequeue?wait=0"] {
            let reply = try await service.get(path)
            #expect(reply.status == 503)
            #expect(!reply.text.contains("s3cr3t"), "\(reply.text)")
        }
        #expect(!service.log.contains("s3cr3t"), "\(service.log)")
        await service.kill()
        for url in [
            "http://u:s3cr3t@h", "redis://u:s3cr3t@h/x", "redis://u:s3cr3t@h:port", "redis://u:s3cr3t%zz@h",
            "u:s3cr3t@h",
            "unix://u:s3cr3t@nowhere", "rediss://u:s3cr3t@h:70000",
        ] {
            let failure = await #expect(throws: FrameBufferProcess.Failure.self) {
                try await FrameBufferProcess(redis: url)
            }
            let log = failure?.description ?? ""
            #expect(log.contains("REDIS_URL"), "\(url): \(log)")
            #expect(!log.contains("s3cr3t"), "\(url): \(log)")
        }
    }
}

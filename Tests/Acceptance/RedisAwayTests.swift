import RedisTesting
import Synchronization
import Testing

@Suite("When Redis loses its data, goes away or stands still")
struct RedisAwayTests {
    /// Ways to lose the group, and the stream with it.
    enum Loss: CaseIterable {
        case flush, delete, destroyGroup, restart

        func happen(to redis: RedisServer) async throws {
            switch self {
            case .flush: try await redis.cli("FLUSHALL")
            case .delete: try await redis.cli("DEL", "frames:queue")
            case .destroyGroup: try await redis.cli("XGROUP", "DESTROY", "frames:queue", "workers")
            case .restart:
                redis.kill()
                try await redis.start()
            }
        }
    }

    @Test(
        "frames enqueued after the group was lost come once each and in order, with or without a poll waiting",
        arguments: Loss.allCases,
        [true, false]
    )
    func groupLost(_ loss: Loss, isPollWaiting: Bool) async throws {
        try await withService { service, redis in
            // Twice, as what was set right once must be set right again.
            for round in 1...2 {
                let poll = isPollWaiting ? Task { try await service.get("/dequeue?wait=4s") } : nil
                if isPollWaiting {
                    #expect(try await eventually { try await redis.info("blocked_clients") == 1 })
                }
                try await loss.happen(to: redis)
                let ids = (1...2).map { "round \(round) frame \($0)" }
                for id in ids {
                    let reply = try await service.enqueue(#"{"frame_id":"\#(id)"}"#)
                    #expect(reply.status == 200, "\(loss): \(reply.text)")
                }
                var received: [JSON?] = []
                if let poll {
                    let reply = try await poll.value
                    // A restart may take longer than a request waits for a Redis that is away; an error else it is not.
                    #expect(reply.status == 200 || (loss == .restart && reply.status == 503), "\(loss): \(reply.text)")
                    if let frame = try reply.json()["frame"] { received.append(frame["frame_id"]) }
                }
                while let frame = try await service.dequeue(wait: "300ms") { received.append(frame["frame_id"]) }
                #expect(received == ids.map { .string($0) }, "\(loss)")
                // Frames that are not settled when the group goes come once more, by the contract.
                #expect(try await eventually { try await service.get("/queue/size").json()["size"]?.integer == 0 })
            }
        }
    }

    /// What came of one request.
    private struct Answer {
        let status: Int
        let time: Duration
        let text: String
        let retryAfter: String?

        init(_ reply: Reply, _ time: Duration) {
            status = reply.status
            self.time = time
            text = reply.text
            retryAfter = reply.header("retry-after")
        }
    }

    /// Workers that poll in a loop.
    private final class Workers: Sendable {
        private let state = Mutex((isStopped: false, answers: [Answer](), received: Set<String>()))

        var answers: [Answer] { state.withLock(\.answers) }
        var received: Set<String> { state.withLock(\.received) }

        func stop() { state.withLock { $0.isStopped = true } }

        /// One worker's work.
        func work(for service: FrameBufferProcess) async throws {
            while !state.withLock(\.isStopped) {
                let (reply, time) = try await ContinuousClock().timed { try await service.get("/dequeue?wait=2s") }
                let id = try reply.json()["frame"]?["frame_id"]?.string
                state.withLock { state in
                    state.answers.append(Answer(reply, time))
                    if let id { state.received.insert(id) }
                }
            }
        }
    }

    @Test(
        "an outage is answered with 503 in about a second, quietly and idly, and is over five seconds after its end"
    )
    func outage() async throws {
        try await withService { service, redis in
            let clock = ContinuousClock()
            let workers = Workers()
            try await withThrowingTaskGroup { group in
                // Whatever fails in between, they come to their end.
                defer { workers.stop() }
                for _ in 0..<20 { group.addTask { try await workers.work(for: service) } }
                #expect(try await service.enqueue(#"{"frame_id":"before"}"#).status == 200)
                #expect(try await eventually { workers.received.contains("before") })
                let seconds = try service.processorSeconds
                let lines = service.logLineCount

                try await redis.cli("SHUTDOWN", "NOSAVE")
                redis.kill()
                let start = clock.now
                #expect(
                    try await eventually(within: .seconds(3)) { try await service.get("/health/ready").status == 503 }
                )
                var posts: [Answer] = []
                // The outage has to last for a while, and somebody asks all the time.
                repeat {
                    let (reply, time) = try await clock.timed { try await service.enqueue(#"{"frame_id":"lost"}"#) }
                    posts.append(Answer(reply, time))
                    for path in ["/health/live", "/health/ready", "/queue/size", "/health"] {
                        let (reply, time) = try await clock.timed { try await service.get(path) }
                        #expect(reply.status == (path == "/health/live" ? 200 : 503), "\(path): \(reply.text)")
                        #expect(time < .seconds(2.5), "\(path)")
                    }
                } while clock.now - start < .seconds(6)
                let outage = clock.now - start
                let used = try service.processorSeconds - seconds
                #expect(used < 0.3 * (outage / .seconds(1)), "\(used) s of processor time in \(outage)")
                let logged = service.log.split(separator: "\n").dropFirst(lines)
                #expect(logged.count <= 12 && !logged.isEmpty, "\(logged)")
                for post in posts {
                    #expect(post.status == 503 && post.time < .seconds(2.5), "\(post)")
                    #expect(post.retryAfter != nil, "\(post)")
                }

                try await redis.start()
                let isBack = clock.now
                #expect(
                    try await eventually(within: .seconds(5)) { try await service.get("/health/ready").status == 200 }
                )
                for path in ["/health", "/queue/size"] {
                    #expect(try await eventually(within: .seconds(2)) { try await service.get(path).status == 200 })
                }
                #expect(try await service.enqueue(#"{"frame_id":"after"}"#).status == 200)
                let left = .seconds(5) - (clock.now - isBack)
                #expect(try await eventually(within: left) { workers.received.contains("after") })
                workers.stop()
                try await group.waitForAll()
            }
            let answers = workers.answers
            let failed = answers.filter { $0.status == 503 }
            #expect(failed.count >= 20 && failed.count < 20 * 60, "\(failed.count) polls were refused in the outage")
            for answer in answers {
                #expect([200, 503].contains(answer.status), "\(answer)")
                // It waits as long as it wants to, and a second more where Redis went meanwhile.
                #expect(answer.time < .seconds(4.5), "\(answer)")
                if answer.status == 503 { #expect(answer.retryAfter != nil, "\(answer)") }
            }
            #expect(workers.received == ["before", "after"])
        }
    }

    @Test("no request waits much longer than a second for a Redis that sends no byte, a waiting poll included")
    func frozen() async throws {
        try await withService { service, redis in
            let clock = ContinuousClock()
            #expect(try await service.enqueue(#"{"frame_id":"before"}"#).status == 200)
            #expect(try await service.dequeue()?["frame_id"] == .string("before"))
            let poll = Task { try await service.get("/dequeue?wait=30s") }
            #expect(try await eventually { try await redis.info("blocked_clients") == 1 })
            redis.freeze(true)
            let start = clock.now
            let waiting = Task { (try await poll.value.status, clock.now - start) }
            let first = try await service.enqueue(#"{"frame_id":"unknown"}"#)
            #expect(try first.expectProblem(503)["outcome"] == .string("unknown"))
            try await withThrowingTaskGroup { group in
                for path in ["/queue/size", "/health/ready", "/health", "/dequeue?wait=0", "/dequeue?wait=20s"] {
                    group.addTask {
                        let (reply, time) = try await clock.timed { try await service.get(path) }
                        #expect(reply.status == 503, "\(path): \(reply.text)")
                        #expect(time < .seconds(3), "\(path)")
                    }
                }
                try await group.waitForAll()
            }
            let (reply, time) = try await clock.timed { try await service.enqueue(#"{"frame_id":"refused"}"#) }
            #expect(try reply.expectProblem(503)["outcome"] == nil)
            #expect(reply.header("retry-after") != nil)
            #expect(time < .seconds(3))
            let (status, waited) = try await waiting.value
            #expect(status == 503)
            #expect(waited < .seconds(4), "the waiting poll")
            let (live, liveTime) = try await clock.timed { try await service.get("/health/live") }
            #expect(live.status == 200)
            #expect(liveTime < .seconds(1))
            redis.freeze(false)
            #expect(try await eventually(within: .seconds(5)) { try await service.get("/health/ready").status == 200 })
            #expect(try await service.enqueue(#"{"frame_id":"after"}"#).status == 200)
            var received: [String] = []
            while let frame = try await service.dequeue(wait: "1s") { received.append(frame["frame_id"]?.string ?? "") }
            // The frame of unknown outcome is there or not; what was surely refused must not be.
            #expect([["after"], ["unknown", "after"]].contains(received), "\(received)")
        }
    }
}

import RedisTesting
import Testing

@Suite("Polls that wait")
struct PollsTests {
    /// What the bound of connections to Redis comes to: for each of at most four loops one for commands and one that
    /// blocks, and redis-cli's own.
    private static let mostRedisClients = 2 * 4 + 1

    @Test("three hundred at once delay nothing else, need few connections to Redis, and get one frame each")
    func threeHundred() async throws {
        try await withService { service, redis in
            let clock = ContinuousClock()
            let count = 300
            try await withThrowingTaskGroup(of: String?.self) { polls in
                for _ in 0..<count {
                    polls.addTask { try await service.dequeue(wait: "50s")?["frame_id"]?.string }
                }
                #expect(try await eventually { try await redis.info("blocked_clients") ?? 0 > 0 })
                var times: [Duration] = []
                for path in ["/health/live", "/health/ready", "/queue/size", "/health"] {
                    for _ in 0..<50 {
                        let (reply, time) = try await clock.timed { try await service.get(path) }
                        #expect(reply.status == 200, "\(path): \(reply.text)")
                        times.append(time)
                    }
                }
                let clients = try #require(try await redis.info("connected_clients"))
                #expect(clients <= Self.mostRedisClients)
                let start = clock.now
                for number in 0..<count {
                    let (reply, time) = try await clock.timed {
                        try await service.enqueue(#"{"frame_id":"\#(number)"}"#)
                    }
                    #expect(reply.status == 200, "\(reply.text)")
                    times.append(time)
                }
                times.sort()
                // Nothing waits for the polls' turn; how busy the machine is decides the rest.
                #expect(times[times.count / 2] < .milliseconds(250))
                #expect(times.last.map { $0 < .seconds(5) } == true, "\(times.suffix(5))")
                var received: [String] = []
                for try await id in polls { received.append(try #require(id)) }
                #expect(clock.now - start < .seconds(20))
                #expect(Set(received).count == count)
                #expect(received.count == count)
            }
            #expect(try await eventually { try await service.get("/queue/size").json()["size"]?.integer == 0 })
        }
    }

    @Test(
        "beyond the setting are refused at once with 503, whichever queue they poll, and no others are",
        arguments: [["one", "one", "one", "one", "one"], ["one", "two", "one", "two", "one"]]
    )
    func tooMany(_ queues: [String]) async throws {
        try await withService(["FRAMEBUFFER_MAX_POLLS": "4", "FRAMEBUFFER_QUEUES": "one,two"]) { service, redis in
            try await withThrowingTaskGroup(of: (queue: String, reply: Reply).self) { polls in
                for queue in queues {
                    polls.addTask { (queue, try await service.get("/dequeue?wait=6s&queue=\(queue)")) }
                }
                let start = ContinuousClock.now
                let refused = try #require(try await polls.next())
                #expect(ContinuousClock.now - start < .seconds(5))
                try refused.reply.expectProblem(503)
                #expect(refused.reply.header("retry-after") != nil)
                #expect(try await service.get("/queue/size?queue=one").status == 200)
                var waiting = queues
                waiting.remove(at: try #require(waiting.firstIndex(of: refused.queue)))
                for (number, queue) in waiting.enumerated() {
                    let reply = try await service.call(
                        "POST",
                        "/enqueue?queue=\(queue)",
                        headers: [("Content-Type", "application/json")],
                        body: Array(#"{"frame_id":"\#(number)"}"#.utf8)
                    )
                    #expect(reply.status == 200, "\(reply.text)")
                }
                var received: Set<String> = []
                for try await poll in polls {
                    received.insert(try poll.reply.json()["frame"]?["frame_id"]?.string ?? poll.reply.text)
                }
                #expect(received == Set(waiting.indices.map { "\($0)" }))
            }
            #expect(try await service.get("/dequeue?wait=0&queue=two").status == 200)
        }
    }
}

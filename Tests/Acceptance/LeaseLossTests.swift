import Foundation
import RedisTesting
import Testing

/// What becomes of leased frames when callers, workers or instances of the service go.
@Suite("Leased frames whose holders go", .timeLimit(.minutes(3)))
struct LeaseLossTests {
    @Test("go to the next poll where the former hung up while it waited (C01)")
    func hungUp() async throws {
        try await withService { service, redis in
            let dead = try (0..<10).map { _ in try RawConnection(port: service.port) }
            for connection in dead { try connection.poll("wait=20s&lease=30s") }
            // They wait by then: one that came after them ends, and so was looked for.
            #expect(try await service.lease(wait: "100ms") == nil)
            for (number, connection) in dead.enumerated() { number % 2 == 0 ? connection.close() : connection.reset() }
            try await service.post("f")
            let (frame, time) = try await ContinuousClock().timed { try await service.lease("30s", wait: "10s") }
            #expect(frame?.frameID == "f")
            #expect(frame?.deliveries == 1)
            #expect(time < .seconds(5))
            #expect(try await redis.cli("XPENDING", "frames:queue", "workers").hasPrefix("1\n"))
        }
    }

    @Test(
        "are back at once where the reply met a caller that was just gone, and none is lost or waits for its lease (C01)"
    )
    func hungUpMeanwhile() async throws {
        try await withService { service, _ in
            for round in 0..<60 {
                let leaving = try RawConnection(port: service.port)
                try leaving.poll("wait=20s&lease=1h")
                let post = Task { try await service.post("\(round)") }
                // It leaves after another while each time, or with the reply before its eyes.
                _ = leaving.hasInput(within: .microseconds(100 * (round % 50)))
                round % 2 == 0 ? leaving.close() : leaving.reset()
                try await post.value
                let frame = try #require(try await service.lease("1h", wait: "20s"), "round \(round)")
                #expect(frame.frameID == "\(round)")
                #expect(frame.deliveries == 1)
                #expect(try await service.settle("/ack", frame) == SettlingAnswer(200, settled: 1))
            }
            #expect(try await service.counts() == Counts())
        }
    }

    @Test(
        "of a worker that is killed in the middle of 10,000 all come again, each once more and none before its lease"
    )
    func workerKilled() async throws {
        let redis = try await RedisServer()
        let one = try await FrameBufferProcess(redis: redis.url)
        let other = try await FrameBufferProcess(redis: redis.url)
        #expect(try await eventually { try await one.get("/health/ready").status == 200 })
        let (count, lease) = (10_000, 8.0)
        for start in stride(from: 0, to: count, by: 1000) {
            let lines = (start..<start + 1000).map { #"{"frame_id":"\#($0)"}"# }.joined(separator: "\n")
            #expect(try await other.upload(lines, type: "application/x-ndjson").status == 200)
        }
        let worker = try RunningProcess(
            TestPython.executable(),
            [TestPython.script("leasing_worker.py"), "\(one.port)", "\(count)", "\(Int(lease))s"],
            environment: [:]
        )
        let isAtWork = try await eventually(within: .seconds(60)) {
            worker.log.matches(of: /\nacked/).count >= 30 || worker.log.contains("failed")
        }
        worker.signal(SIGKILL)
        let exitCode = await worker.exitCode()
        try #require(exitCode == -SIGKILL && isAtWork, "\(worker.log.suffix(500))")
        let work = WorkerLog(worker.log)
        #expect(work.held.count == count)
        #expect(work.acked.count >= 3000 && work.acked.count <= count - 1000)

        let end = (work.held.values.map(\.asked).max() ?? 0) + lease + 2
        let again = try await withThrowingTaskGroup(of: [(frame: Leased, at: Double)].self) { workers in
            for service in [one, other, one, other] {
                workers.addTask {
                    var mine: [(Leased, Double)] = []
                    while true {
                        let frames = try Leased.all(in: try await service.get("/dequeue?wait=2s&count=100&lease=1h"))
                        let time = Date().timeIntervalSince1970
                        if frames.isEmpty, time > end { return mine }
                        if frames.isEmpty { continue }
                        mine += frames.map { ($0, time) }
                        let settled = try await service.settle("/ack", frames.map(\.receipt))
                        #expect(settled == SettlingAnswer(200, settled: frames.count))
                    }
                }
            }
            return try await workers.reduce(into: []) { $0 += $1 }
        }
        let ids = Set(again.map(\.frame.frameID))
        #expect(ids.count == again.count)
        #expect(ids.isDisjoint(with: work.acked))
        // What it was about to acknowledge when it was killed is acknowledged, all of it, or is not.
        let rest = Set(work.held.keys).subtracting(work.acked).subtracting(ids)
        #expect(rest.isEmpty || rest == Set(work.nextToAck), "\(rest.count) are missing")
        let wrong = again.filter { frame, time in
            guard let held = work.held[frame.frameID] else { return true }
            return time < held.asked + lease || frame.deliveries != held.deliveries + 1
        }
        #expect(wrong.isEmpty, "\(wrong.count) of them: \(wrong.prefix(3))")
        for service in [one, other] { #expect(try await service.counts() == Counts()) }
        await one.kill()
        await other.kill()
    }

    /// What a worker said of its work before it was killed.
    private struct WorkerLog {
        /// What it held last, and since when at the earliest.
        var held: [String: (asked: Double, deliveries: Int)] = [:]
        var acked: Set<String> = []
        private var order: [String] = []

        init(_ log: String) {
            // Its last line may be torn.
            let lines = log[..<(log.lastIndex(of: "\n") ?? log.startIndex)].split(separator: "\n")
            for words in lines.map({ $0.split(separator: " ") }) {
                if words[0] == "acked" { acked.formUnion(words.dropFirst().map(String.init)) }
                guard words[0] == "leased", let asked = Double(words[1]) else { continue }
                for word in words.dropFirst(2) {
                    let parts = word.split(separator: ":")
                    guard parts.count == 2, let deliveries = Int(parts[1]) else { continue }
                    let id = String(parts[0])
                    if held.updateValue((asked, deliveries), forKey: id) == nil { order.append(id) }
                }
            }
        }

        /// The frames of its next acknowledgement.
        var nextToAck: ArraySlice<String> { order.dropFirst(acked.count).prefix(100) }
    }

    @Test("stay theirs when an instance of the service is killed; its consumers go once nothing is pending on them")
    func serviceKilled() async throws {
        let redis = try await RedisServer()
        let dying = try await FrameBufferProcess(redis: redis.url)
        let other = try await FrameBufferProcess(redis: redis.url)
        #expect(try await eventually { try await other.get("/health/ready").status == 200 })
        try await dying.post("acked", "lapses", "nacked", "held")
        let acked = try await dying.lease("1h")
        let start = ContinuousClock.now
        let lapsing = try #require(try await dying.lease("18s"))
        let nacked = try await dying.lease("1h")
        let held = try await dying.lease("1h")
        await dying.kill()
        #expect(try await other.counts() == Counts(leased: 4))
        #expect(try await other.settle("/ack", acked) == SettlingAnswer(200, settled: 1))
        #expect(try await other.settle("/nack", nacked) == SettlingAnswer(200, settled: 1))
        #expect(try await other.lease("1h", wait: "0")?.frameID == "nacked")
        // The process is dead for long by then, and its frames are left alone all the same.
        let again = try #require(try await other.lease("1h", wait: "40s"))
        #expect(again.frameID == lapsing.frameID && again.deliveries == 2)
        #expect(ContinuousClock.now - start >= .seconds(18))
        #expect(try await redis.cli("XINFO", "CONSUMERS", "frames:queue", "workers").contains("fb-"))
        #expect(try await other.settle("/extend", held, #""lease":"1h""#) == SettlingAnswer(200, settled: 1))
        #expect(try await other.settle("/ack", held) == SettlingAnswer(200, settled: 1))
        let isCleanedUp = try await eventually(within: .seconds(30)) {
            let consumers = try await redis.cli("XINFO", "CONSUMERS", "frames:queue", "workers")
            return Set(consumers.matches(of: /fb-[0-9a-f]{16}/).map(\.0)).count == 1
        }
        #expect(isCleanedUp)
        await other.kill()
    }

    @Test("are given to nobody by an instance that stops: its polls end empty, another one delivers (C11)")
    func stopping() async throws {
        let redis = try await RedisServer()
        let stopping = try await FrameBufferProcess(redis: redis.url)
        let other = try await FrameBufferProcess(redis: redis.url)
        #expect(try await eventually { try await other.get("/health/ready").status == 200 })
        let received = try await withThrowingTaskGroup(of: Leased?.self) { polls in
            for _ in 0..<20 { polls.addTask { try await stopping.lease("1h", wait: "60s") } }
            // Who has not been let in yet when it stops is turned away by its kernel.
            #expect(
                try await eventually {
                    try await stopping.get("/metrics").text.contains("framebuffer_polls_waiting 20\n")
                }
            )
            stopping.signal(15)
            try await other.post("1", "2", "3")
            return try await polls.reduce(into: [Leased]()) { if let frame = $1 { $0.append(frame) } }
        }
        #expect(await stopping.exitCode() == 0)
        let rest = try await other.leaseAll(3 - received.count)
        #expect(Set((received + rest).map(\.frameID)) == ["1", "2", "3"])
        #expect(try await other.settle("/ack", (received + rest).map(\.receipt)).settled == 3)
        #expect(try await other.counts() == Counts())
        await other.kill()
    }
}

import RedisTesting
import Synchronization
import Testing

@Suite("A storm of aborted requests")
struct StormTests {
    private static let seconds = 8
    private static let kept = "frames:kept"

    /// A frame that says in each of its parts whose it is.
    private struct Sample {
        let id: String
        let trace: String
        let json: String

        init(id: String, using generator: inout SeededGenerator) {
            self.id = id
            let digits = (0..<2).map { _ in
                let text = String(UInt64.random(in: 1 ... .max, using: &generator), radix: 16)
                return String(repeating: "0", count: 16 - text.count) + text
            }
            trace = digits.joined()
            // Most are small; some are too large for one read.
            let repeats =
                Int.random(in: 0..<20, using: &generator) == 0 ? 1000 : Int.random(in: 1...20, using: &generator)
            let body = String(repeating: id + "|", count: repeats)
            json = #"{"frame_id":"\#(id)","trace":"\#(trace)","body":"\#(body)"}"#
        }

        var traceparent: String { "00-\(trace)-00f067aa0ba902b7-01" }

        /// Whether all parts of a dequeued frame are those of one and the same sample.
        static func agrees(_ element: JSON, traceparent: String?) -> Bool {
            guard let frame = element["frame"], let id = frame["frame_id"]?.string, let trace = frame["trace"]?.string,
                let body = frame["body"]?.string, element["trace_id"]?.string == trace
            else { return false }
            return body == String(repeating: id + "|", count: body.utf8.count / (id.utf8.count + 1))
                && frame["_traceparent"]?.string?.contains(trace) == true
                && (traceparent.map { $0 == frame["_traceparent"]?.string } ?? true)
        }
    }

    /// How many answers the well-behaved clients have, all together.
    private final class Progress: Sendable {
        let answers = Atomic(0)
    }

    /// What the well-behaved clients found.
    private struct Findings {
        var completed = 0
        var unavailable = 0
        var wrong: [String] = []
        /// Of each frame in the queue that nobody reads, by its message id.
        var kept: [String: String] = [:]

        /// Takes in one answer; `isRight` is asked about one that is no refusal.
        mutating func judge(_ reply: Reply, _ isRight: (JSON) -> Bool) {
            completed += 1
            let json = try? reply.json()
            // Any other refusal than these two may be somebody else's reply that could not be read as ours.
            if reply.status == 503, ["Redis is away", "Redis' reply was lost"].contains(json?["title"]?.string) {
                unavailable += 1
            } else if reply.status != 200 || json.map(isRight) != true {
                wrong.append("\(reply.status) \(reply.text.prefix(300))")
            }
        }
    }

    @Test("shifts no reply to another caller, however slow Redis is meanwhile, and leaves nothing odd behind")
    func storm() async throws {
        let seed = UInt64.random(in: .min ... .max)
        let environment = [
            "FRAMEBUFFER_QUEUES": "frames:queue,\(Self.kept)", "FRAMEBUFFER_CAPACITY_FRAMES": "1000000",
        ]
        try await withService(environment) { service, redis in
            let end = ContinuousClock.now + .seconds(Self.seconds)
            let progress = Progress()
            var findings: [Findings] = []
            try await withThrowingTaskGroup(of: Findings?.self) { group in
                for number in 0..<6 {
                    group.addTask {
                        try await RawConnection.blocking {
                            try Self.abort(on: service.port, until: end, number: number, seed: seed)
                        }
                        return nil
                    }
                }
                for number in 0..<5 {
                    group.addTask { try await Self.behave(service, until: end, number: number, seed: seed, progress) }
                }
                group.addTask {
                    while ContinuousClock.now < end - .seconds(1) {
                        try await redis.cli("CLIENT", "PAUSE", "200", "ALL")
                        // And on again, once it has been quick for some requests.
                        let next = progress.answers.load(ordering: .relaxed) + 200
                        // At the end nobody asks any more.
                        let isQuick = try await eventually {
                            progress.answers.load(ordering: .relaxed) >= next || ContinuousClock.now >= end
                        }
                        #expect(isQuick, "seed \(seed)")
                    }
                    return nil
                }
                for try await case let found? in group { findings.append(found) }
            }
            let wrong = findings.flatMap(\.wrong)
            #expect(wrong.isEmpty, "seed \(seed): \(wrong.count), such as \(wrong.prefix(3))")
            let completed = findings.reduce(0) { $0 + $1.completed }
            let unavailable = findings.reduce(0) { $0 + $1.unavailable }
            #expect(completed > 200, "seed \(seed)")
            // A pause is too short for Redis to count as away; but a busy machine may add to it.
            #expect(unavailable <= completed / 10, "seed \(seed)")

            try await checkKept(findings, redis, seed)
            try await drain(service, redis, seed)
        }
    }

    // MARK: Who aborts

    /// Sends requests and leaves after 1 to 30 ms, with a FIN or a reset.
    private static func abort(on port: Int, until end: ContinuousClock.Instant, number: Int, seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed &+ UInt64(number))
        var count = 0
        while ContinuousClock.now < end {
            count += 1
            let connection = try RawConnection(port: port)
            let patience = Double.random(in: 0.001...0.03, using: &generator)
            switch Int.random(in: 0..<8, using: &generator) {
            case 0...3:
                let isHalf = Int.random(in: 0..<4, using: &generator) == 0
                let sample = Sample(id: "\(isHalf ? "half" : "storm")-\(number)-\(count)", using: &generator)
                let queue = Bool.random(using: &generator) ? kept : "frames:queue"
                let request = """
                    POST /enqueue?queue=\(queue) HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\n\
                    traceparent: \(sample.traceparent)\r\nContent-Length: \(sample.json.utf8.count)\r\n\r\n\(sample.json)
                    """
                try connection.send(isHalf ? String(request.dropLast(sample.json.count / 2 + 1)) : request)
            case 4...6:
                let wait = ["0", "20ms", "5s"].randomElement(using: &generator) ?? "0"
                let query = Bool.random(using: &generator) ? "wait=\(wait)" : "wait=\(wait)&count=3"
                try connection.send("GET /dequeue?\(query) HTTP/1.1\r\nHost: h\r\n\r\n")
            default:
                try connection.send(
                    "GET /queue/size HTTP/1.1\r\nHost: h\r\n\r\nGET /health/ready HTTP/1.1\r\nHost: h\r\n\r\n"
                )
            }
            _ = try? connection.response(within: patience)
            if Bool.random(using: &generator) { connection.reset() } else { connection.close() }
        }
    }

    // MARK: Who behaves

    private static func behave(
        _ service: FrameBufferProcess,
        until end: ContinuousClock.Instant,
        number: Int,
        seed: UInt64,
        _ progress: Progress
    ) async throws -> Findings {
        var generator = SeededGenerator(seed: seed &+ 1000 &+ UInt64(number))
        var findings = Findings()
        var count = 0
        while ContinuousClock.now < end {
            count += 1
            defer { progress.answers.add(4, ordering: .relaxed) }
            let sample = Sample(id: "steady-\(number)-\(count)", using: &generator)
            let queue = Bool.random(using: &generator) ? kept : "frames:queue"
            let posted = try await service.call(
                "POST",
                "/enqueue?queue=\(queue)",
                headers: [("Content-Type", "application/json"), ("traceparent", sample.traceparent)],
                body: Array(sample.json.utf8)
            )
            if queue == kept, posted.status == 200, let id = try posted.json()["message_id"]?.string {
                findings.kept[id] = sample.id
            }
            findings.judge(posted) { json in
                json["frame_id"]?.string == sample.id && json["queue"]?.string == queue
                    && json["trace_id"]?.string == sample.trace
                    && json["message_id"]?.string?.wholeMatch(of: /\d+-\d+/) != nil
                    && json["queue_size"]?.integer ?? -1 >= 0
                    && posted.header("traceparent")?.contains(sample.trace) == true
            }
            let dequeued = try await service.get("/dequeue?wait=50ms")
            findings.judge(dequeued) { json in
                json["status"]?.string == "empty" || Sample.agrees(json, traceparent: dequeued.header("traceparent"))
            }
            findings.judge(try await service.get("/dequeue?wait=0&count=4")) { json in
                guard case .array(let elements)? = json["frames"] else { return json["status"]?.string == "empty" }
                return elements.allSatisfy { Sample.agrees($0, traceparent: nil) } && (1...4).contains(elements.count)
            }
            findings.judge(try await service.get("/queue/size?queue=\(queue)")) { json in
                guard let size = json["size"]?.integer, let waiting = json["waiting"]?.integer,
                    let leased = json["leased"]?.integer
                else { return false }
                return size == waiting + leased && waiting >= 0 && leased >= 0 && json["queue"]?.string == queue
            }
        }
        return findings
    }

    // MARK: Afterwards

    private func checkKept(_ findings: [Findings], _ redis: RedisServer, _ seed: UInt64) async throws {
        let script = """
            local lines = {}
            for _, entry in ipairs(redis.call('XRANGE', KEYS[1], '-', '+')) do
                local frame = {}
                for i = 1, #entry[2], 2 do frame[entry[2][i]] = entry[2][i + 1] end
                local part = frame.frame_id .. '|'
                local sound = frame.body == string.rep(part, #frame.body / #part)
                    and string.sub(frame._traceparent, 4, 35) == frame.trace
                table.insert(lines, entry[1] .. ' ' .. frame.frame_id .. ' ' .. tostring(sound))
            end
            return table.concat(lines, '\\n')
            """
        var stored: [String: String] = [:]
        for line in try await redis.cli("EVAL", script, "1", Self.kept).split(separator: "\n") {
            let words = line.split(separator: " ").map(String.init)
            try #require(words.count == 3, "\(line)")
            stored[words[0]] = words[1]
            #expect(words[2] == "true", "seed \(seed): \(line)")
            #expect(!words[1].hasPrefix("half"), "seed \(seed): \(line)")
        }
        #expect(Set(stored.values).count == stored.count, "seed \(seed): a frame was written twice")
        var promised = 0
        for (id, frame) in findings.flatMap(\.kept) {
            promised += 1
            #expect(stored[id] == frame, "seed \(seed): \(id)")
        }
        #expect(promised > 0, "seed \(seed)")
    }

    private func drain(_ service: FrameBufferProcess, _ redis: RedisServer, _ seed: UInt64) async throws {
        let isEmpty = try await eventually(within: .seconds(30)) {
            let answer = try await service.get("/dequeue?wait=0&count=100").json()
            if case .array(let elements)? = answer["frames"] {
                #expect(elements.allSatisfy { Sample.agrees($0, traceparent: nil) }, "seed \(seed)")
            }
            let size = try await service.get("/queue/size").json()
            return size["size"]?.integer == 0 && size["dead"]?.integer == 0
        }
        #expect(isEmpty, "seed \(seed)")
        #expect(try await redis.cli("XPENDING", "frames:queue", "workers").hasPrefix("0"), "seed \(seed)")
        #expect(try await eventually { try await redis.info("blocked_clients") == 0 }, "seed \(seed)")
        #expect(try await service.get("/health").status == 200)
        #expect(!service.log.contains(" error ") && !service.log.contains(" critical "), "seed \(seed): \(service.log)")
    }
}

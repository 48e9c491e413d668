import Foundation
import RedisTesting
import Synchronization
import Testing

/// One run: actors and disturbers for a while, then rest, a look at what is left, and the judgement.
struct ModelRun: Sendable {
    let seed: UInt64
    let time: Duration
    let dropsOldest: Bool

    private let capacity: Int
    private let maxDeliveries: Int
    private let replicas: Int
    private let pause: Duration

    init(seed: UInt64, time: Duration, dropsOldest: Bool) {
        self.seed = seed
        self.time = time
        self.dropsOldest = dropsOldest
        var generator = SeededGenerator(seed: seed)
        capacity = Int.random(in: 30...120, using: &generator)
        maxDeliveries = [2, 3, 5, 0].randomElement(using: &generator) ?? 5
        replicas = Int.random(in: 2...3, using: &generator)
        pause = .milliseconds(Int.random(in: 500...2500, using: &generator))
    }

    /// What went wrong; empty where all is well. Then what happened, for whoever wants to know.
    func run() async throws -> (faults: [String], story: String) {
        let fleet = try await Fleet(
            replicas: replicas,
            environment: [
                "FRAMEBUFFER_CAPACITY_FRAMES": "\(capacity)", "FRAMEBUFFER_MAX_DELIVERIES": "\(maxDeliveries)",
                "FRAMEBUFFER_OVERFLOW": dropsOldest ? "drop-oldest" : "reject",
            ]
        )
        let log = RunLog()
        try await act(fleet, log)

        // Nobody does anything any more: leases end, and what the dead left behind comes back.
        let rested = try await rest(fleet, log)
        let replicas = fleet.replicas
        for replica in replicas {
            #expect(
                try await eventually(within: .seconds(10)) {
                    try await replica.process.get("/health/ready").status == 200
                }
            )
        }
        let remains = try await Remains(of: fleet.redis)
        remains.takeDown(in: log, at: fleet.now)
        let faults = try await withOwnDescriptors {
            let caller = Caller(fleet: fleet, log: log, seed: seed)
            return Self.finish(caller, remains)
        }
        let end = try await Remains(of: fleet.redis)
        end.takeDown(in: log, at: fleet.now)
        var terms = RunRecords.Terms()
        terms.model.maxDeliveries = maxDeliveries
        terms.model.dropsOldest = dropsOldest
        terms.capacity = capacity
        let counted = try await fleet.redis.counted()
        terms.counts = counted.cameras
        let records = log.records(deaths: fleet.deaths, late: fleet.late, settled: fleet.settled)
        var all = (rested ? [] : ["frames are still in hand long after everybody has gone"]) + faults
        all += records.judge(by: terms)
        all += try await Self.countFaults(fleet, counted.totals, terms)
        all += try await leftOver(fleet)
        let counts = log.counts.sorted { $0.key < $1.key }.map { "\($0.value) \($0.key)" }.joined(separator: ", ")
        let settings = "capacity \(capacity), deliveries \(maxDeliveries), replicas \(self.replicas)"
        let given = FrameState.Exit.counted.map { "\(counted.totals[$0] ?? 0) \($0)" }.joined(separator: ", ")
        let story = "\(settings); \(counts), \(given); at last: \(log.last.joined(separator: "; "))"
        for replica in replicas { await replica.process.kill() }
        return (all, story)
    }

    // MARK: Acting

    private func act(_ fleet: Fleet, _ log: RunLog) async throws {
        let stopped = Flag()
        var generator = SeededGenerator(seed: seed &+ 1)
        let trades: [RunActor.Trade] = [.producer, .producer, .worker, .worker, .worker, .worker, .operating]
        try await withThrowingTaskGroup(of: Void.self) { group in
            for (number, trade) in trades.enumerated() {
                let actor = RunActor(
                    trade: trade,
                    number: number,
                    seed: generator.next(),
                    // Where frames are not dropped either, none of two hours may have gone.
                    maxAges: dropsOldest ? [1, 3] : [3],
                    fleet: fleet,
                    log: log,
                    stopped: stopped
                )
                group.addTask { try await withOwnDescriptors { actor.run() } }
            }
            let quiet = Flag()
            for target in [Disturber.Target.replicas, .redis] {
                let disturber = Disturber(
                    target: target,
                    seed: generator.next(),
                    pause: target == .redis ? pause * 2 : pause,
                    isPatient: time >= .seconds(60),
                    fleet: fleet,
                    log: log,
                    stopped: quiet
                )
                group.addTask { try await disturber.run() }
            }
            // The last of them are to be seen to be over.
            _ = try await eventually(within: time * 0.75) { log.hasFaults }
            quiet.set()
            _ = try await eventually(within: time * 0.25) { log.hasFaults }
            stopped.set()
            try await group.waitForAll()
        }
    }

    private func rest(_ fleet: Fleet, _ log: RunLog) async throws -> Bool {
        try await eventually(within: .seconds(45)) {
            for replica in fleet.replicas {
                let reply = try await replica.process.get("/queue/size")
                guard reply.status == 200, try reply.json()["leased"]?.integer == 0 else { return false }
            }
            return true
        }
    }

    // MARK: Finishing

    /// All counts agree with what is there; what waits comes once each and in order; dead letters come again.
    private static func finish(_ caller: Caller, _ remains: Remains) -> [String] {
        var faults: [String] = []
        let replicas = caller.fleet.replicas
        func expect(_ counts: Counts, _ when: String) {
            for replica in replicas {
                let said = caller.size(of: replica)
                if said != counts { faults.append("\(when): \(String(describing: said)) instead of \(counts)") }
                let listed = caller.listLetters(of: replica)?.count
                if listed != counts.dead {
                    faults.append("\(when): \(listed ?? -1) dead letters are listed of \(counts.dead)")
                }
            }
        }
        var counts = Counts(waiting: remains.waiting.count, leased: 0, dead: remains.dead.count)
        expect(counts, "at rest")

        var held = takeNewest(caller, remains, &counts, &faults)
        for replica in replicas { held += caller.dequeue(count: 4, lease: 3600, wait: "1s", of: replica).held }
        if held.isEmpty, counts.waiting > 0 { faults.append("nothing comes of \(counts.waiting) that wait") }
        counts.waiting -= held.count - counts.leased
        counts.leased = held.count
        expect(counts, "with \(held.count) frames leased")
        let receipts = held.map { (receipt: $0.receipt, frame: $0.frame) }
        let (acked, nacked) = (
            Array(receipts.prefix(receipts.count / 2)), Array(receipts.dropFirst(receipts.count / 2))
        )
        if !acked.isEmpty { caller.settle(.ack, acked) }
        if !nacked.isEmpty { caller.settle(.extend(.seconds(3600)), nacked) }
        counts.leased -= acked.count
        expect(counts, "with \(acked.count) frames acknowledged")
        if !nacked.isEmpty { caller.settle(.reject(reason: "at last"), nacked) }
        counts.dead += nacked.count
        counts.leased = 0
        expect(counts, "with \(nacked.count) frames rejected")

        drain(caller, &faults)
        expect(Counts(dead: counts.dead), "drained")
        // A full queue takes some of them; the rest comes when there is room again.
        var redriven = 0
        while redriven <= counts.dead, let count = caller.work(.redriven, on: nil), count > 0 {
            redriven += count
            drain(caller, &faults)
        }
        if redriven != counts.dead { faults.append("\(redriven) of \(counts.dead) dead letters were redriven") }
        expect(Counts(), "at the end")
        return faults
    }

    /// Takes the newest of each camera, the oldest of them first, where nobody else asks: all others are superseded.
    private static func takeNewest(
        _ caller: Caller,
        _ remains: Remains,
        _ counts: inout Counts,
        _ faults: inout [String]
    ) -> [Caller.Held] {
        func camera(_ frame: (id: String, frame: String)) -> String { caller.log.camera(of: frame.frame) ?? "" }
        let last = Dictionary(remains.waiting.map { (camera($0), $0.id) }) { $1 }
        let newest = remains.waiting.filter { last[camera($0)] == $0.id }
        guard let replica = caller.fleet.replicas.first else { return [] }
        let held = caller.dequeue(count: 4, lease: 3600, isLatest: true, wait: "1s", of: replica).held
        if held.map(\.frame) != newest.prefix(4).map(\.frame), !held.isEmpty || !newest.isEmpty {
            faults.append("the newest at rest are \(newest.prefix(4)), and there came \(held.map(\.frame))")
        }
        counts.leased = held.count
        counts.waiting = newest.count - held.count
        // What was given up or put back is known to Redis a moment later than the reply to its caller.
        let end = ContinuousClock.now + .seconds(2)
        while caller.size(of: replica) != counts, ContinuousClock.now < end {}
        return held
    }

    /// Takes all frames, each under a lease, and acknowledges it.
    private static func drain(_ caller: Caller, _ faults: inout [String]) {
        guard let replica = caller.fleet.replicas.first else { return }
        var last: [Int] = []
        while true {
            let held = caller.dequeue(count: 10, lease: 3600, wait: "300ms", of: replica).held
            if held.isEmpty { return }
            for frame in held {
                let place = frame.receipt.prefix { $0 != "." }.split(separator: "-").compactMap { Int($0) }
                if !last.lexicographicallyPrecedes(place) { faults.append("\(frame.frame) came after a newer one") }
                last = place
            }
            caller.settle(.ack, held.map { ($0.receipt, $0.frame) })
        }
    }

    /// The counts of all cameras together are what each replica says.
    private static func countFaults(
        _ fleet: Fleet,
        _ totals: [FrameState.Exit: Int],
        _ terms: RunRecords.Terms
    ) async throws -> [String] {
        var faults: [String] = []
        for exit in FrameState.Exit.counted {
            let sum = terms.counts.values.reduce(0) { $0 + ($1[exit] ?? 0) }
            if sum != totals[exit] ?? 0 { faults.append("\(totals[exit] ?? 0) \(exit), and \(sum) of all cameras") }
            for replica in fleet.replicas {
                let said = try await replica.process.get("/queue").json()["counters"]?[exit.rawValue]?.integer
                if said != sum {
                    faults.append("\(said ?? -1) \(exit) instead of \(sum), says replica \(replica.number)")
                }
            }
        }
        return faults
    }

    /// What the service keeps beside the stream has to go with the frames.
    private func leftOver(_ fleet: Fleet) async throws -> [String] {
        var faults: [String] = []
        let redis = fleet.redis
        func sidecar(_ name: String) -> String { "frames:queue:{frames:queue}:\(name)" }
        for (command, key) in [
            ("XLEN", "frames:queue"), ("ZCARD", sidecar("lease")), ("ZCARD", sidecar("ready")),
            ("HLEN", sidecar("held")),
            ("ZCARD", sidecar("kept")), ("XLEN", sidecar("dead")),
        ] {
            let count = try await redis.cli(command, key)
            if count != "0" { faults.append("\(count) entries are left in \(key)") }
        }
        let trimmed = try await redis.cli("HGET", sidecar("counters"), "trimmed")
        if !["", "0"].contains(trimmed) { faults.append("\(trimmed) frames were trimmed, by nobody") }
        let alive = fleet.replicas.count
        let isClean = try await eventually(within: .seconds(25)) {
            let consumers = try await redis.cli("XINFO", "CONSUMERS", "frames:queue", "workers")
            return Set(consumers.matches(of: /fb-[0-9a-f]{16}/).map(\.0)).count <= alive
        }
        if !isClean { faults.append("consumers of dead processes are left") }
        return faults
    }
}

/// Something that happens once. Whoever has a thread of its own can wait for it.
final class Flag: Sendable {
    private let semaphore = DispatchSemaphore(value: 0)

    var isSet: Bool { wait(within: .seconds(0)) }

    func set() {
        semaphore.signal()
    }

    /// Blocks until it is set, a random time long at most: nobody is in a hurry all the time.
    func wait(upTo milliseconds: Int, _ generator: inout SeededGenerator) {
        _ = wait(within: .microseconds(Int.random(in: 0...(milliseconds * 1000), using: &generator)))
    }

    private func wait(within limit: DispatchTimeInterval) -> Bool {
        guard semaphore.wait(timeout: .now() + limit) == .success else { return false }
        // For the others who wait.
        semaphore.signal()
        return true
    }
}

/// What stands in Redis when nobody does anything.
private struct Remains: Sendable {
    /// Message id and frame id of each.
    let waiting: [(id: String, frame: String)]
    let dead: [(letter: FrameStep.Letter, frame: String)]

    init(of redis: RedisServer) async throws {
        func words(_ stream: String) async throws -> [[String]] {
            // Payloads are bytes of any kind: only what is asked for leaves Redis.
            let script = """
                local lines = {}
                for _, entry in ipairs(redis.call('XRANGE', KEYS[1], '-', '+')) do
                    local about = {}
                    for i = 1, #entry[2], 2 do about[entry[2][i]] = entry[2][i + 1] end
                    table.insert(lines, table.concat({
                        entry[1], about['frame_id'] or '?', about['_dead_message_id'] or '-',
                        about['_dead_deliveries'] or '0', about['_dead_reason'] or '-'
                    }, ' '))
                end
                return lines
                """
            return try await redis.cli("EVAL", script, "1", stream).split(separator: "\n").map {
                $0.split(separator: " ", maxSplits: 4).map(String.init)
            }
        }
        waiting = try await words("frames:queue").filter { $0.count == 5 }.map { ($0[0], $0[1]) }
        dead = try await words("frames:queue:{frames:queue}:dead").filter { $0.count == 5 }.map {
            (FrameStep.Letter(id: $0[0], formerID: $0[2], deliveries: Int($0[3]) ?? 0, reason: $0[4]), $0[1])
        }
    }

    /// Each frame is there once, or is not.
    func takeDown(in log: RunLog, at time: Duration) {
        var seen: Set<String> = []
        func find(_ frame: String, _ found: FrameStep.Found) {
            if !seen.insert(frame).inserted { log.fault("\(frame) is there twice") }
            log.add(FrameStep(start: time, end: time, action: .find(found)), about: frame, process: 0)
        }
        for (id, frame) in waiting { find(frame, .waiting(messageID: id)) }
        for (letter, frame) in dead { find(frame, .dead(letter)) }
        for frame in log.frameIDs.subtracting(seen) { find(frame, .nothing) }
    }
}

extension RedisServer {
    /// How many frames were given up in each way that is counted: all, and of each camera.
    fileprivate func counted() async throws -> (
        totals: [FrameState.Exit: Int], cameras: [String: [FrameState.Exit: Int]]
    ) {
        let lines = try await cli("HGETALL", "frames:queue:{frames:queue}:counters").split(separator: "\n")
        var totals: [FrameState.Exit: Int] = [:]
        var cameras: [String: [FrameState.Exit: Int]] = [:]
        for index in stride(from: 0, to: lines.count - 1, by: 2) {
            let words = lines[index].split(separator: " ", maxSplits: 1).map(String.init)
            guard let exit = FrameState.Exit(rawValue: words[0]), let count = Int(lines[index + 1]) else { continue }
            if words.count == 1 { totals[exit] = count } else { cameras[words[1], default: [:]][exit] = count }
        }
        return (totals, cameras)
    }
}

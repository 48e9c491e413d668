import Foundation
import RedisTesting
import Synchronization
import Testing

/// Whatever callers do around the moment in which a frame comes: no frame is lost, and none comes twice to callers that
/// stayed in order.
///
/// `HANDOVER_POLLS` sets how many polls there are, for longer runs by hand.
@Suite("The hand-over, tortured", .timeLimit(.minutes(60)))
struct HandoverTortureTests {
    static let polls = ProcessInfo.processInfo.environment["HANDOVER_POLLS"].flatMap { Int($0) } ?? 3000

    @Test(
        "Received plus left is posted, however polls end around the frame: closed, reset, half-closed, killed",
        arguments: [1, 2]
    )
    func torture(replicas: Int) async throws {
        let seed = UInt64.random(in: .min ... .max)
        let redis = try await RedisServer()
        var services: [FrameBufferProcess] = []
        for _ in 0..<replicas {
            services.append(
                try await FrameBufferProcess(redis: redis.url, ["FRAMEBUFFER_CAPACITY_FRAMES": "1000000"])
            )
        }
        let ports = services.map(\.port)
        let ledger = Ledger()
        let lanes = 4

        let patient = (0..<2).map { number in
            Task { try await withOwnDescriptors { try Patient.run(number, ports: ports, ledger: ledger) } }
        }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0..<lanes {
                let lane = Lane(
                    number: number,
                    ports: ports,
                    polls: Self.polls / lanes,
                    seed: seed &+ UInt64(number),
                    ledger: ledger
                )
                group.addTask { try await withOwnDescriptors { try lane.run() } }
            }
            try await group.waitForAll()
        }
        ledger.stop()
        for task in patient { try await task.value }

        // Nothing is in anybody's hands any more; what is left comes in order.
        var counts = Counts()
        let isSettled = try await eventually(within: .seconds(40)) {
            counts = try await services[0].counts()
            return counts.leased == 0
        }
        #expect(isSettled && counts.dead == 0, "seed \(seed): \(counts)")
        // What came back through one replica is known to the others a tenth of a second later.
        #expect(try await redis.consumersRest(for: .milliseconds(100)), "seed \(seed)")
        var left: [(id: String, message: String)] = []
        while true {
            let answer = try await services[0].get("/dequeue?wait=0").json()
            guard let id = answer["frame"]?["frame_id"]?.string, let message = answer["message_id"]?.string
            else { break }
            #expect(answer["deliveries"]?.integer == 1, "seed \(seed), \(id)")
            left.append((id, message))
        }
        let places = left.map { $0.message.split(separator: "-").compactMap { Int($0) } }
        #expect(
            zip(places, places.dropFirst()).allSatisfy { $0.lexicographicallyPrecedes($1) },
            "seed \(seed): \(left)"
        )

        let found = ledger.close(left: left.map(\.id))
        print("hand-over, seed \(seed), replicas \(replicas): \(found)")
        #expect(found.posted > 0)
        #expect(found.unknown.isEmpty, "seed \(seed)")
        #expect(
            found.lost.count <= found.excused,
            "seed \(seed): lost \(found.lost.sorted()), left unread: \(ledger.sightings(of: found.lost))"
        )
        #expect(found.twice.isEmpty, "seed \(seed)")
        #expect(found.miscounted.isEmpty, "seed \(seed)")
        #expect(found.refused == 0, "seed \(seed)")
        // A test in which nothing happens to nobody proves nothing.
        for departure in Departure.allCases {
            let outcomes = found.departures[departure]
            #expect(outcomes?.unread ?? 0 > 0, "seed \(seed): nobody left early by \(departure)")
            if departure.reads { #expect(outcomes?.read ?? 0 > 0, "seed \(seed): nobody left late by \(departure)") }
        }
        #expect(found.excused * 100 <= Self.polls, "seed \(seed): the machine was too slow for this to mean anything")
        for service in services { await service.kill() }
    }
}

/// How a caller leaves.
private enum Departure: CaseIterable, Sendable {
    /// Without a look at what has come.
    case closes, resets, isKilled
    /// After having read what has come.
    case readsAndCloses, readsAndResets, readsAndIsKilled
    /// Its sending half first, and then, with or without having read, all of it.
    case halfCloses, halfClosesAndReads
    /// It sends a next request, and resets when that is answered.
    case goesOn

    var reads: Bool {
        switch self {
        case .closes, .resets, .isKilled, .halfCloses: false
        case .readsAndCloses, .readsAndResets, .readsAndIsKilled, .halfClosesAndReads, .goesOn: true
        }
    }

    /// Whether what it has read can't come again.
    var isInOrder: Bool { self != .resets && self != .readsAndResets }

    var isProcess: Bool { self == .isKilled || self == .readsAndIsKilled }
}

/// Who was given what.
private final class Ledger: Sendable {
    /// What came of it all.
    struct Findings: CustomStringConvertible {
        var posted = 0
        var received = 0
        var left = 0
        /// Callers that left later, or slower, than the hand-over waits, and didn't notice: their frames may be lost.
        var excused = 0
        /// Dequeues in order that were told to try again.
        var turnedAway = 0
        /// Callers that went on and got no answer.
        var refused = 0
        var lost: Set<String> = []
        /// Came twice, and not to callers that reset.
        var twice: Set<String> = []
        var unknown: Set<String> = []
        /// Came as what they were not: something else than a first delivery.
        var miscounted: Set<String> = []
        var again = 0
        var departures: [Departure: (read: Int, unread: Int)] = [:]

        var description: String {
            let counts = [
                "posted \(posted)", "received \(received)", "left \(left)", "lost \(lost.count)",
                "twice \(twice.count)",
                "again after a reset \(again)", "excused \(excused)", "turned away \(turnedAway)",
            ]
            let ways = Departure.allCases.map { "\($0) \(departures[$0]?.read ?? 0)/\(departures[$0]?.unread ?? 0)" }
            return counts.joined(separator: ", ") + "; read/unread: " + ways.joined(separator: ", ")
        }
    }

    private struct State {
        var findings = Findings()
        var posted: Set<String> = []
        var inOrder: [String: Int] = [:]
        var byReset: [String: Int] = [:]
        var seen: [String: [String]] = [:]
        var isStopped = false
    }

    private let state = Mutex(State())

    func posted(_ id: String) {
        state.withLock { _ = $0.posted.insert(id) }
    }

    /// A caller has read all of a reply.
    ///
    /// - Parameter inOrder: whether it then closes in order or goes on; a frame whose receiver resets may come again.
    func received(_ answer: AbruptClient.Answer, inOrder: Bool) {
        guard let id = answer.frameID else { return }
        state.withLock { state in
            if inOrder { state.inOrder[id, default: 0] += 1 } else { state.byReset[id, default: 0] += 1 }
            if answer.deliveries != 1 { state.findings.miscounted.insert(id) }
        }
    }

    func left(by departure: Departure, hasRead: Bool) {
        state.withLock {
            var count = $0.findings.departures[departure] ?? (0, 0)
            if hasRead { count.read += 1 } else { count.unread += 1 }
            $0.findings.departures[departure] = count
        }
    }

    func excuse() {
        state.withLock { $0.findings.excused += 1 }
    }

    /// A caller left without having read a frame.
    func saw(_ id: String, _ how: String) {
        state.withLock { $0.seen[id, default: []].append(how) }
    }

    /// How callers left that had a frame before them and did not read it.
    func sightings(of ids: Set<String>) -> [String: [String]] {
        state.withLock { $0.seen.filter { ids.contains($0.key) } }
    }

    func turnedAway() {
        state.withLock { $0.findings.turnedAway += 1 }
    }

    func refused() {
        state.withLock { $0.findings.refused += 1 }
    }

    var isStopped: Bool { state.withLock(\.isStopped) }

    func stop() {
        state.withLock { $0.isStopped = true }
    }

    func close(left: [String]) -> Findings {
        state.withLock { state in
            var found = state.findings
            for id in left { state.inOrder[id, default: 0] += 1 }
            let received = Set(state.inOrder.keys).union(state.byReset.keys)
            found.posted = state.posted.count
            found.left = left.count
            found.received = received.subtracting(left).count
            found.lost = state.posted.subtracting(received)
            found.unknown = received.subtracting(state.posted)
            found.twice = Set(state.inOrder.filter { $0.value > 1 }.keys)
            found.again = state.byReset.reduce(0) { $0 + $1.value - 1 + (state.inOrder[$1.key] ?? 0) }
            return found
        }
    }
}

/// A thread that posts frames, and around each post opens and ends polls.
private struct Lane: Sendable {
    let number: Int
    let ports: [Int]
    let polls: Int
    let seed: UInt64
    let ledger: Ledger

    private struct Caller {
        let client: AbruptClient
        let departure: Departure
        let sentAt: ContinuousClock.Instant
    }

    private enum Step {
        case post(String)
        case leave(Caller)
    }

    func run() throws {
        var generator = SeededGenerator(seed: seed)
        let producers = try ports.map { try AbruptClient(port: $0) }
        let clock = ContinuousClock()
        var count = 0
        var frames = 0
        while count < polls {
            let callers = try (0..<Int.random(in: 1...6, using: &generator)).map { _ in
                let departure = Departure.allCases.randomElement(using: &generator) ?? .closes
                let port = ports.randomElement(using: &generator) ?? ports[0]
                let client = try AbruptClient(port: port, isProcess: departure.isProcess)
                try client.send(RawConnection.poll("wait=20s"))
                return Caller(client: client, departure: departure, sentAt: clock.now)
            }
            count += callers.count

            // The frames of a round come within a millisecond; their polls end within five milliseconds around that.
            let moment = clock.now + .milliseconds(6)
            var steps: [(at: ContinuousClock.Instant, step: Step)] = callers.map {
                (moment + .microseconds(Int.random(in: -5000...5000, using: &generator)), .leave($0))
            }
            for _ in 0..<Int.random(in: 1...callers.count, using: &generator) {
                frames += 1
                steps.append(
                    (moment + .microseconds(Int.random(in: 0...1000, using: &generator)), .post("\(number).\(frames)"))
                )
            }
            var posted: [(producer: AbruptClient, frame: String)] = []
            for (time, step) in steps.sorted(by: { $0.at < $1.at }) {
                Self.wait(until: time)
                switch step {
                case .post(let frame):
                    let producer = producers.randomElement(using: &generator) ?? producers[0]
                    // Some are large enough to be on their way for a while.
                    let padding = Int.random(in: 0..<8, using: &generator) == 0 ? 200_000 : 20
                    let pad = String(repeating: "x", count: padding)
                    try producer.send(RawConnection.frame(#"{"frame_id":"\#(frame)","pad":"\#(pad)"}"#))
                    posted.append((producer, frame))
                case .leave(let caller): leave(caller, &generator)
                }
            }
            for (producer, frame) in posted {
                guard let answer = producer.answer(within: .seconds(20)), answer.status == 200, answer.frameID == frame
                else { throw FrameBufferProcess.Failure(description: "seed \(seed): \(frame) was not enqueued") }
                ledger.posted(frame)
            }
        }
    }

    private func leave(_ caller: Caller, _ generator: inout SeededGenerator) {
        let client = caller.client
        let clock = ContinuousClock()
        var answer: AbruptClient.Answer?
        func read() {
            client.readNow()
            answer = answer ?? client.answer()
        }
        // What lies unread for a second has reached its caller: on a machine that slept for so long, it is read after all.
        if caller.departure.reads || clock.now - caller.sentAt > .milliseconds(800) { read() }
        // Where a lost frame was seen last.
        let start = clock.now
        let unread = client.unreadFrameID()
        var grace = (since: caller.sentAt, limit: Duration.milliseconds(980))
        switch caller.departure {
        case .closes, .readsAndCloses: client.close()
        case .resets, .readsAndResets: client.reset()
        case .isKilled, .readsAndIsKilled: client.kill()
        case .halfCloses, .halfClosesAndReads:
            // Likewise a reset comes too late once the hand-over has waited its tenth of a second for it.
            grace = (clock.now, .milliseconds(95))
            client.shutdownSending()
            if caller.departure.reads {
                answer = answer ?? client.answer(within: .milliseconds(50))
            } else {
                Self.wait(until: grace.since + .microseconds(Int.random(in: 0...3000, using: &generator)))
            }
            if clock.now - grace.since > .milliseconds(60) { read() }
            client.close()
        case .goesOn:
            if answer != nil {
                // Until that is answered nobody knows whether it was heard before the reset.
                let isSent: Void? = try? client.send(RawConnection.liveness)
                if isSent == nil || client.answer(within: .seconds(20))?.status != 200 { ledger.refused() }
                client.reset()
            } else {
                client.close()
            }
        }
        if let unread {
            ledger.saw(unread, "\(caller.departure), \(start - caller.sentAt) after its poll, for \(clock.now - start)")
        }
        if answer == nil, clock.now - grace.since > grace.limit { ledger.excuse() }
        if let answer { ledger.received(answer, inOrder: caller.departure.isInOrder) }
        ledger.left(by: caller.departure, hasRead: answer?.frameID != nil)
    }

    /// The moment is what is tested here: it can't be waited for in any other way.
    private static func wait(until moment: ContinuousClock.Instant) {
        let left = ContinuousClock.now.duration(to: moment).components
        guard left.seconds >= 0, left.attoseconds > 0 else { return }
        var time = timespec(tv_sec: Int(left.seconds), tv_nsec: Int(left.attoseconds / 1_000_000_000))
        nanosleep(&time, nil)
    }
}

/// A thread that dequeues as one should: on one connection, or with a new one for each frame.
private enum Patient {
    static func run(_ number: Int, ports: [Int], ledger: Ledger) throws {
        let keepsConnection = number % 2 == 0
        var client: AbruptClient?
        while !ledger.isStopped {
            let connection = try client ?? AbruptClient(port: ports[number % ports.count])
            try connection.send(RawConnection.poll("wait=100ms", headers: keepsConnection ? [] : ["Connection: close"]))
            guard let answer = connection.answer(within: .seconds(30)) else {
                throw FrameBufferProcess.Failure(description: "a dequeue in order was not answered")
            }
            // On a machine that slept, Redis may have seemed to be away.
            if answer.status == 503 { ledger.turnedAway() }
            ledger.received(answer, inOrder: true)
            if keepsConnection { client = connection } else { connection.close() }
        }
        client?.close()
    }
}

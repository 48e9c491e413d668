import Foundation
import RedisTesting

/// Somebody who makes random requests, one after the other, until the run ends. Which ones, a seed says.
///
/// It blocks, and has a thread of its own.
struct RunActor: Sendable {
    enum Trade: Sendable { case producer, worker, operating }

    let trade: Trade
    let number: Int
    let seed: UInt64
    /// For how old frames it asks, in hours.
    let maxAges: [Int]
    let fleet: Fleet
    let log: RunLog
    let stopped: Flag

    func run() {
        let caller = Caller(fleet: fleet, log: log, seed: seed &+ 1)
        var generator = SeededGenerator(seed: seed)
        switch trade {
        case .producer:
            var producer = Producer(caller: caller, stopped: stopped, name: "p\(number)", generator: generator)
            while !stopped.isSet { producer.act() }
        case .worker:
            var worker = Worker(caller: caller, stopped: stopped, maxAges: maxAges, generator: generator)
            while !stopped.isSet { worker.act() }
        case .operating:
            // A purge accounts for whatever is missing after it: one in each fourth run, and early.
            var purge = Int.random(in: 0..<4, using: &generator) == 0 ? Int.random(in: 0..<40, using: &generator) : -1
            while !stopped.isSet {
                operate(caller, &generator)
                if purge == 0 { caller.purge() }
                purge -= 1
            }
        }
    }

    private func operate(_ caller: Caller, _ generator: inout SeededGenerator) {
        let letters = caller.log.anyLetters(Int.random(in: 1...4, using: &generator), using: &generator)
        switch Int.random(in: 0..<200, using: &generator) {
        case ..<60: caller.listLetters()
        case ..<105: if !letters.isEmpty { caller.work(.redriven, on: letters) }
        case ..<110: caller.work(.redriven, on: nil)
        case ..<125: if !letters.isEmpty { caller.work(.deleted, on: letters) }
        case ..<127: caller.work(.deleted, on: nil)
        case ..<160:
            if let message = caller.log.anyMessage(using: &generator) { caller.delete(message.id, message.frame) }
        default: _ = caller.size()
        }
        stopped.wait(upTo: 60, &generator)
    }
}

/// Posts frames: single ones, payloads and batches, with and without keys, and again where no answer came.
private struct Producer {
    let caller: Caller
    let stopped: Flag
    let name: String
    var generator: SeededGenerator
    private var count = 0

    init(caller: Caller, stopped: Flag, name: String, generator: SeededGenerator) {
        self.caller = caller
        self.stopped = stopped
        self.name = name
        self.generator = generator
    }

    mutating func act() {
        if Int.random(in: 0..<12, using: &generator) == 0, let upload = caller.log.anyKeyed(using: &generator) {
            // Again, and often at the same time as its producer.
            caller.post(upload)
            return
        }
        let upload = upload()
        caller.log.willPost(upload)
        var attempts = 0
        while !caller.post(upload), upload.isKeyed, attempts < 5 {
            attempts += 1
            stopped.wait(upTo: 100, &generator)
        }
        stopped.wait(upTo: 30, &generator)
    }

    private mutating func upload() -> RunLog.Upload {
        let isRaw = Int.random(in: 0..<6, using: &generator) == 0
        let isBatch = !isRaw && Int.random(in: 0..<3, using: &generator) == 0
        let frames = (0..<(isBatch ? Int.random(in: 1...12, using: &generator) : 1)).map { _ in
            count += 1
            return PostedFrame(id: "\(name).\(count)", isRaw: isRaw, using: &generator)
        }
        var query: [String] = []
        var headers: [String] = []
        let key = Int.random(in: 0..<3, using: &generator)
        if key == 0 { headers.append("Idempotency-Key: \(frames[0].id)") }
        if key == 1 { query.append("dedup=frame_id") }
        var body = frames[0].body
        if isRaw {
            query += ["frame_id=\(frames[0].id)", "camera_id=\(frames[0].camera)"]
            headers.append("Content-Type: application/octet-stream")
        } else if isBatch, Bool.random(using: &generator) {
            headers.append("Content-Type: application/x-ndjson")
            body = Array(frames.map(\.body).joined(separator: Array("\n".utf8)))
        } else {
            headers.append("Content-Type: application/json")
            if isBatch {
                body = Array("[".utf8) + frames.map(\.body).joined(separator: Array(",".utf8)) + Array("]".utf8)
            }
        }
        return RunLog.Upload(
            frames: frames,
            query: query.isEmpty ? "" : "?" + query.joined(separator: "&"),
            headers: headers,
            body: body,
            isKeyed: key < 2
        )
    }
}

/// Polls, and does with the frames it gets what workers do, good ones and bad ones.
private struct Worker {
    let caller: Caller
    let stopped: Flag
    let maxAges: [Int]
    var generator: SeededGenerator
    private var held: [(frame: Caller.Held, due: Duration)] = []
    private var rejects = 0

    init(caller: Caller, stopped: Flag, maxAges: [Int], generator: SeededGenerator) {
        self.caller = caller
        self.stopped = stopped
        self.maxAges = maxAges
        self.generator = generator
    }

    mutating func act() {
        settleDue()
        if Int.random(in: 0..<15, using: &generator) == 0 {
            // Those of others, and of its own that are settled for long.
            let receipts = caller.log.anyReceipts(Int.random(in: 1...4, using: &generator), using: &generator)
            if !receipts.isEmpty { caller.settle(settling(), receipts) }
        }
        if held.count > 20 {
            stopped.wait(upTo: 50, &generator)
            return
        }
        let isLeased = Int.random(in: 0..<10, using: &generator) < 7
        let manner: Caller.Manner =
            Int.random(in: 0..<5, using: &generator) == 0
            ? Caller.Manner.allCases.randomElement(using: &generator) ?? .orderly : .orderly
        // Rare: what such polls may have given up is missed only by the counts of its camera.
        let selection = Int.random(in: 0..<24, using: &generator)
        let frames = caller.dequeue(
            count: Bool.random(using: &generator) ? Int.random(in: 1...6, using: &generator) : nil,
            lease: isLeased ? Int.random(in: 1...2, using: &generator) : nil,
            maxAge: (1...3).contains(selection) ? maxAges.randomElement(using: &generator) : nil,
            isLatest: selection < 2,
            wait: manner == .orderly ? "\(Int.random(in: 0...200, using: &generator))ms" : "5s",
            manner: manner
        ).held
        for frame in frames {
            if Int.random(in: 0..<6, using: &generator) == 0 {
                caller.log.share(receipt: frame.receipt, of: frame.frame)
            }
            // One in ten is forgotten, and some are settled when their leases are over.
            if Int.random(in: 0..<10, using: &generator) == 0 { continue }
            let work =
                Int.random(in: 0..<8, using: &generator) == 0 ? frame.lease * 1.5 : frame.lease * 0.2
            held.append((frame, caller.fleet.now + work * Double.random(in: 0...1, using: &generator)))
        }
    }

    private mutating func settleDue() {
        let now = caller.fleet.now
        let due = held.filter { $0.due <= now }
        guard !due.isEmpty else { return }
        held.removeAll { $0.due <= now }
        let settling = settling()
        let receipts = due.map { (receipt: $0.frame.receipt, frame: $0.frame.frame) }
        var isKnown = caller.settle(settling, receipts)
        if !isKnown, Bool.random(using: &generator) { isKnown = caller.settle(settling, receipts) }
        if case .extend = settling { held += due.map { ($0.frame, now + $0.frame.lease * 0.5) } }
    }

    private mutating func settling() -> FrameStep.Settling {
        rejects += 1
        switch Int.random(in: 0..<20, using: &generator) {
        case ..<11: return .ack
        case ..<13: return .nack(delay: .zero, reason: "")
        case ..<15:
            return .nack(delay: .milliseconds(Int.random(in: 1...1000, using: &generator)), reason: "nack\(rejects)")
        case ..<18: return .extend(.seconds(Int.random(in: 1...2, using: &generator)))
        default: return .reject(reason: rejects % 2 == 0 ? "" : "reject\(rejects)")
        }
    }
}

import Foundation
import RedisTesting

/// Makes requests of a run's replicas over connections of its own, and takes down what was asked and answered.
///
/// It blocks; used by one thread.
final class Caller {
    /// What became of a request.
    private enum Outcome {
        case answered(Reply)
        /// Nothing was sent.
        case unsent
        /// It may have been heard.
        case lost
    }

    private struct Exchange {
        let outcome: Outcome
        let start: Duration
        let end: Duration
        let process: Int

        /// Whether it is unknown what was done.
        var isUnclear: Bool {
            switch outcome {
            case .answered(let reply):
                reply.status == 503 && (try? reply.json())?["outcome"]?.string == "unknown"
            case .unsent: false
            case .lost: true
            }
        }
    }

    /// How a caller treats a poll of its own.
    enum Manner: CaseIterable {
        /// It reads the reply, and keeps the connection for what comes next.
        case orderly
        /// It reads the reply, and resets the connection.
        case readsAndResets
        /// It leaves without a look at what has come.
        case resets, closes
        /// It closes its sending half, and reads what comes.
        case halfCloses
    }

    let fleet: Fleet
    let log: RunLog
    private var connections: [Int: RawConnection] = [:]
    private var generator: SeededGenerator

    init(fleet: Fleet, log: RunLog, seed: UInt64) {
        self.fleet = fleet
        self.log = log
        generator = SeededGenerator(seed: seed)
    }

    // MARK: Requests

    private func replica() -> Fleet.Replica? { fleet.replicas.randomElement(using: &generator) }

    private static func text(
        _ method: String,
        _ path: String,
        headers: [String] = [],
        body: [UInt8] = []
    ) -> [UInt8] {
        let lines = ["\(method) \(path) HTTP/1.1", "Host: test", "Content-Length: \(body.count)"] + headers
        return Array((lines.joined(separator: "\r\n") + "\r\n\r\n").utf8) + body
    }

    private func call(
        _ method: String,
        _ path: String,
        headers: [String] = [],
        body: [UInt8] = [],
        of replica: Fleet.Replica? = nil
    ) -> Exchange? {
        guard let replica = replica ?? self.replica() else { return nil }
        let start = fleet.now
        func exchange(_ outcome: Outcome) -> Exchange {
            if case .lost = outcome { connections[replica.number] = nil }
            return Exchange(outcome: outcome, start: start, end: fleet.now, process: replica.number)
        }
        let known = connections[replica.number]
        guard let connection = known ?? (try? RawConnection(port: replica.process.port)) else {
            return exchange(.unsent)
        }
        connections[replica.number] = connection
        do {
            try connection.send(Self.text(method, path, headers: headers, body: body))
            guard let reply = try connection.response(within: 8) else { return exchange(.lost) }
            if reply.header("connection")?.lowercased() == "close" { connections[replica.number] = nil }
            return exchange(.answered(reply))
        } catch {
            return exchange(.lost)
        }
    }

    /// The answer, where it is one of those that the request may have; nil where nothing is known to be done.
    private func answer(_ exchange: Exchange, _ what: String, statuses: Set<Int>) -> (status: Int, json: JSON)? {
        guard case .answered(let reply) = exchange.outcome else { return nil }
        guard statuses.contains(reply.status), let json = try? reply.json() else {
            if reply.status != 503 { log.fault("\(what) was answered with \(reply.status): \(reply.text.prefix(300))") }
            return nil
        }
        return (reply.status, json)
    }

    private func add(_ exchange: Exchange, _ action: FrameStep.Action, about frame: String?, isCertain: Bool = true) {
        let step = FrameStep(start: exchange.start, end: exchange.end, action: action, isCertain: isCertain)
        log.add(step, about: frame, process: exchange.process, isOpen: exchange.isUnclear)
    }

    private static func list(_ name: String, _ texts: [String], _ members: String = "") -> [UInt8] {
        Array(#"{"\#(name)":[\#(texts.map { "\"\($0)\"" }.joined(separator: ","))]\#(members)}"#.utf8)
    }

    // MARK: Producing

    /// Posts frames; tells whether it is known what became of them.
    @discardableResult
    func post(_ upload: RunLog.Upload) -> Bool {
        guard let exchange = call("POST", "/enqueue\(upload.query)", headers: upload.headers, body: upload.body) else {
            return true
        }
        if exchange.isUnclear {
            log.count("uploads of unknown outcome")
            for frame in upload.frames {
                add(exchange, .post(.unclear, messageID: nil), about: frame.id, isCertain: false)
            }
            return false
        }
        guard let (status, json) = answer(exchange, "an upload", statuses: [200, 429]) else { return true }
        guard status == 200 else {
            log.count("refusals")
            log.refused(upload.frames.count, from: exchange.start, to: exchange.end)
            return true
        }
        var places = [json]
        if case .array(let frames)? = json["frames"] { places = frames }
        guard places.count == upload.frames.count else {
            log.fault("\(places.count) frames were answered to \(upload.frames.count)")
            return true
        }
        let isDuplicate = json["status"]?.string == "duplicate"
        for (frame, place) in zip(upload.frames, places) {
            guard place["frame_id"]?.string == frame.id, let id = place["message_id"]?.string,
                let trace = place["trace_id"]?.string
            else {
                log.fault("\(frame.id) was answered by \(place)")
                continue
            }
            let isKnown = isDuplicate || place["duplicate"] == .bool(true)
            log.count(isKnown ? "duplicates" : "frames")
            log.traced(frame.id, trace)
            add(exchange, .post(isKnown ? .known : .written, messageID: id), about: frame.id)
        }
        return true
    }

    // MARK: Consuming

    /// A frame under a lease.
    struct Held {
        let receipt: String
        let frame: String
        let lease: Duration
    }

    /// Polls for frames; returns those that it was leased, and how many came.
    ///
    /// - Parameters:
    ///   - lease: in seconds; nil for none.
    ///   - maxAge: in hours.
    func dequeue(
        count: Int? = nil,
        lease: Int? = nil,
        maxAge: Int? = nil,
        isLatest: Bool = false,
        wait: String = "100ms",
        manner: Manner = .orderly,
        of replica: Fleet.Replica? = nil
    ) -> (held: [Held], count: Int) {
        let query = [
            "wait=\(wait)", count.map { "count=\($0)" }, lease.map { "lease=\($0)s" }, maxAge.map { "max_age=\($0)h" },
            isLatest ? "mode=latest" : nil,
        ].compactMap(\.self)
        let path = "/dequeue?\(query.joined(separator: "&"))"
        guard let replica = replica ?? self.replica() else { return ([], 0) }
        let wish = Wish(lease: lease, maxAge: maxAge, isLatest: isLatest)
        guard manner == .orderly else { return leave(manner, path, wish, replica) }
        guard let exchange = call("GET", path, of: replica) else { return ([], 0) }
        guard let (_, json) = answer(exchange, "a poll", statuses: [200]) else {
            if case .unsent = exchange.outcome { return ([], 0) }
            log.unread(from: exchange.start, to: exchange.end)
            select(wish, exchange, isOpen: true)
            return ([], 0)
        }
        select(wish, exchange, isOpen: false)
        return handedOut(json, wish, exchange, isReset: false)
    }

    /// What a poll wants.
    private struct Wish {
        let lease: Int?
        let maxAge: Int?
        let isLatest: Bool
    }

    private func select(_ wish: Wish, _ exchange: Exchange, isOpen: Bool) {
        guard wish.maxAge != nil || wish.isLatest else { return }
        if wish.isLatest { log.count("polls for the newest") }
        if wish.maxAge != nil { log.count("polls for young ones") }
        let poll = SelectivePoll(
            start: exchange.start,
            end: exchange.end,
            maxAge: wish.maxAge,
            isLatest: wish.isLatest
        )
        log.selected(poll, process: exchange.process, isOpen: isOpen)
    }

    /// A poll on a connection of its own, which ends in a way of its own.
    private func leave(_ manner: Manner, _ path: String, _ wish: Wish, _ replica: Fleet.Replica) -> ([Held], Int) {
        guard let connection = try? RawConnection(port: replica.process.port) else { return ([], 0) }
        defer { connection.close() }
        let start = fleet.now
        func exchange(_ outcome: Outcome) -> Exchange {
            Exchange(outcome: outcome, start: start, end: fleet.now, process: replica.number)
        }
        func read(within limit: Double, isReset: Bool) -> ([Held], Int)? {
            guard let reply = try? connection.response(within: limit) else { return nil }
            let exchange = exchange(.answered(reply))
            guard let (_, json) = answer(exchange, "a poll", statuses: [200]) else { return nil }
            select(wish, exchange, isOpen: false)
            return handedOut(json, wish, exchange, isReset: isReset)
        }
        func unread() -> ([Held], Int) {
            log.unread(from: start, to: fleet.now)
            select(wish, exchange(.lost), isOpen: true)
            log.count("polls left")
            return ([], 0)
        }
        guard (try? connection.send(Self.text("GET", path))) != nil else { return unread() }
        switch manner {
        case .orderly, .readsAndResets:
            guard let frames = read(within: 8, isReset: true) else { return unread() }
            // Who uses a receipt, over another connection, has the frame whatever becomes of this one.
            if !frames.0.isEmpty, Bool.random(using: &generator) {
                settle(.extend(.seconds(2)), frames.0.map { ($0.receipt, $0.frame) })
            }
            connection.reset()
            log.count("replies read and reset")
            return frames
        case .resets, .closes:
            _ = connection.hasInput(within: .milliseconds(Int.random(in: 0...200, using: &generator)))
            // What lies unread for a second has reached its caller: on a machine that slept for so long it is read.
            if fleet.now - start > .milliseconds(800), let frames = read(within: 0.01, isReset: true) { return frames }
            manner == .resets ? connection.reset() : connection.close()
            if wish.lease == nil, fleet.now - start > .seconds(1) { log.swallowed(from: start, to: fleet.now) }
            return unread()
        case .halfCloses:
            _ = connection.hasInput(within: .milliseconds(Int.random(in: 0...100, using: &generator)))
            connection.shutdownSending()
            return read(within: 8, isReset: false) ?? unread()
        }
    }

    /// Takes down what came.
    private func handedOut(_ json: JSON, _ wish: Wish, _ exchange: Exchange, isReset: Bool) -> ([Held], Int) {
        let lease = wish.lease
        guard json["status"]?.string == "dequeued" else { return ([], 0) }
        var elements = [json]
        if case .array(let frames)? = json["frames"] { elements = frames }
        var held: [Held] = []
        var cameras: Set<String> = []
        for element in elements {
            guard case .object(let frame)? = element["frame"], let id = frame["frame_id"]?.string,
                let messageID = element["message_id"]?.string, let deliveries = element["deliveries"]?.integer,
                let trace = element["trace_id"]?.string, (lease != nil) == (element["lease"] != nil)
            else {
                log.fault("a poll was answered with \("\(element)".prefix(500))")
                continue
            }
            log.count(lease == nil ? "frames taken" : "frames leased")
            log.came(id, frame, trace: trace, maxAge: wish.maxAge)
            if let camera = frame["camera_id"]?.string, !cameras.insert(camera).inserted, wish.isLatest {
                log.fault("\(id) came to a poll for the newest of each camera with another of \(camera)")
            }
            var handOut = FrameStep.HandOut(messageID: messageID, deliveries: deliveries)
            handOut.isReset = isReset
            if let lease, let receipt = element["lease"]?["receipt"]?.string {
                handOut.receipt = receipt
                handOut.lease = .seconds(lease)
                held.append(Held(receipt: receipt, frame: id, lease: .seconds(lease)))
                if element["lease"]?["expires_in_ms"]?.integer != lease * 1000 {
                    log.fault("\(id): the lease is not the one that was asked for: \(element)")
                }
            }
            add(exchange, .handOut(handOut), about: id)
        }
        return (held, elements.count)
    }

    /// Uses receipts; tells whether it is known what became of them.
    @discardableResult
    func settle(_ settling: FrameStep.Settling, _ receipts: [(receipt: String, frame: String)]) -> Bool {
        func milliseconds(_ time: Duration) -> String { "\(Int(time / .milliseconds(1)))ms" }
        let (path, members) =
            switch settling {
            case .ack: ("/ack", "")
            case .nack(let delay, let reason):
                ("/nack", #","delay":"\#(milliseconds(delay))","reason":"\#(reason)""#)
            case .extend(let lease): ("/extend", #","lease":"\#(milliseconds(lease))""#)
            case .reject(let reason): ("/reject", #","reason":"\#(reason)""#)
            }
        let body = Self.list("receipts", receipts.map(\.receipt), members)
        guard let exchange = call("POST", path, body: body) else { return true }
        func add(_ outcome: FrameStep.Outcome?, _ one: (receipt: String, frame: String)) {
            let action = FrameStep.Action.settle(settling, receipt: one.receipt, outcome)
            self.add(exchange, action, about: one.frame, isCertain: outcome != nil)
        }
        if exchange.isUnclear {
            for receipt in receipts { add(nil, receipt) }
            return false
        }
        guard let (status, json) = answer(exchange, path, statuses: [200, 409]) else { return true }
        var stale = Set(receipts.map(\.receipt))
        var settled = 0
        if status == 200 {
            guard case .array(let list)? = json["stale"], let count = json["settled"]?.integer else {
                log.fault("\(path) was answered with \(json)")
                return true
            }
            (stale, settled) = (Set(list.compactMap(\.string)), count)
        }
        let others = receipts.count(where: { !stale.contains($0.receipt) })
        if settled > others { log.fault("\(path) of \(receipts.count) says \(json)") }
        for receipt in receipts {
            let isStale = stale.contains(receipt.receipt)
            let outcome: FrameStep.Outcome =
                isStale ? .stale : settled == others ? .settled : settled == 0 ? .neither : .notStale
            log.count("\(path) \(outcome)")
            add(outcome, receipt)
        }
        return true
    }

    // MARK: Operating

    /// Deletes a frame by its message id.
    func delete(_ messageID: String, _ frame: String) {
        guard let exchange = call("DELETE", "/frames/\(messageID)") else { return }
        let answer = answer(exchange, "a deletion", statuses: [200, 404])
        guard answer != nil || exchange.isUnclear else { return }
        log.count("deletions \(answer?.status ?? 0)")
        let wasThere = answer.map { $0.status == 200 }
        add(exchange, .delete(messageID: messageID, wasThere), about: frame, isCertain: answer != nil)
    }

    /// Deletes all frames. It takes several steps, and may fail between them.
    func purge() {
        guard let exchange = call("DELETE", "/frames") else { return }
        let isDone = answer(exchange, "a purge", statuses: [200]) != nil
        if case .unsent = exchange.outcome { return }
        log.count("purges")
        add(exchange, .purge, about: nil, isCertain: isDone)
    }

    /// Reads all dead letters, page by page; nil where an answer failed to come.
    @discardableResult
    func listLetters(of replica: Fleet.Replica? = nil) -> [FrameStep.Letter]? {
        guard let replica = replica ?? self.replica() else { return nil }
        var letters: [FrameStep.Letter] = []
        var after = ""
        while true {
            guard let exchange = call("GET", "/dead-letters?count=50\(after)", of: replica),
                let (_, json) = answer(exchange, "the list of dead letters", statuses: [200]),
                case .array(let page)? = json["dead_letters"]
            else { return nil }
            for element in page {
                guard let id = element["message_id"]?.string, let formerID = element["original_message_id"]?.string,
                    let deliveries = element["deliveries"]?.integer, let reason = element["reason"]?.string,
                    let frame = element["frame_id"]?.string, let trace = element["trace_id"]?.string
                else {
                    log.fault("a dead letter is \(element)")
                    continue
                }
                log.traced(frame, trace)
                let letter = FrameStep.Letter(id: id, formerID: formerID, deliveries: deliveries, reason: reason)
                add(exchange, .showDead(letter), about: frame)
                letters.append(letter)
            }
            guard let next = json["next"]?.string else { return letters }
            after = "&after=\(next)"
        }
    }

    /// What is done with dead letters.
    enum LetterWork: String {
        case redriven, deleted
    }

    /// Redrives or deletes dead letters; those of the list or, without one, all. Returns how many, where it is known.
    @discardableResult
    func work(_ work: LetterWork, on letters: [(id: String, frame: String)]?) -> Int? {
        let body = letters.map { Self.list("message_ids", $0.map(\.id)) } ?? []
        let exchange =
            switch work {
            case .redriven: call("POST", "/dead-letters/redrive", body: body)
            case .deleted: call("DELETE", "/dead-letters", body: body)
            }
        guard let exchange else { return nil }
        func action(_ letter: String?, _ wasThere: Bool?) -> FrameStep.Action {
            work == .redriven ? .redrive(letter: letter, wasThere) : .deleteLetter(letter: letter, wasThere)
        }
        if case .unsent = exchange.outcome { return nil }
        let answer = answer(
            exchange,
            "dead letters \(work.rawValue)",
            statuses: work == .redriven ? [200, 429] : [200]
        )
        let count = answer?.json[work.rawValue]?.integer
        if count ?? 0 > 0 { log.count("dead letters \(work.rawValue)") }
        guard let letters else {
            // In portions, so that some may be done where others fail.
            let isCertain = work == .deleted && answer != nil
            if answer?.status != 429 { add(exchange, action(nil, nil), about: nil, isCertain: isCertain) }
            return count
        }
        for letter in letters {
            if let count, count == 0 || count == letters.count {
                add(exchange, action(letter.id, count > 0), about: letter.frame)
            } else if count != nil || exchange.isUnclear {
                add(exchange, action(letter.id, nil), about: letter.frame, isCertain: false)
            }
        }
        return count
    }

    /// How many frames a replica says there are; nil where it doesn't say.
    func size(of replica: Fleet.Replica? = nil) -> Counts? {
        guard let exchange = call("GET", "/queue/size", of: replica),
            let (_, json) = answer(exchange, "the size", statuses: [200])
        else { return nil }
        guard let waiting = json["waiting"]?.integer, let leased = json["leased"]?.integer,
            let dead = json["dead"]?.integer, json["size"]?.integer == waiting + leased,
            min(waiting, leased, dead) >= 0, let capacity = json["capacity"]?.integer,
            // Single frames, of which there are never many at once here, go by a count that may be 50 ms old.
            waiting + leased <= capacity + 8
        else {
            log.fault("the size is \(json)")
            return nil
        }
        return Counts(waiting: waiting, leased: leased, dead: dead)
    }
}

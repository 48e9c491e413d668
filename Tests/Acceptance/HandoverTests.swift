import RedisTesting
import Testing

/// Each sentence of what "reached the caller" means, alone.
@Suite("Reached the caller, for a reply without a lease", .timeLimit(.minutes(3)))
struct HandoverTests {
    // MARK: What settles

    @Test("A next request on the connection settles the frame: a reset after that returns nothing")
    func nextRequest() async throws {
        try await withService { service, _ in
            try await service.post("f1", "f2")
            let caller = try RawConnection(port: service.port)
            try caller.poll()
            #expect(try await caller.handedOut() == [HandedOut("f1")])
            try caller.send(RawConnection.liveness)
            #expect(try await caller.next()?.status == 200)
            caller.reset()
            #expect(try await service.comesTo(Counts(waiting: 1)))
            #expect(try await service.take() == HandedOut("f2"))
            #expect(try await service.comesTo(Counts()))
        }
    }

    @Test("An orderly close after reading settles the frame, soon", arguments: [false, true])
    func orderlyClose(halfOnly: Bool) async throws {
        try await withService { service, _ in
            try await service.post("f1")
            let caller = try RawConnection(port: service.port)
            try caller.poll()
            #expect(try await caller.handedOut() == [HandedOut("f1")])
            let start = ContinuousClock.now
            if halfOnly { caller.shutdownSending() } else { caller.close() }
            #expect(try await service.comesTo(Counts()))
            // It takes a tenth of a second; the rest is for a busy machine.
            #expect(ContinuousClock.now - start < .seconds(5))
            if halfOnly { #expect(try await caller.closes()) }
            #expect(try await service.take(wait: "0") == nil)
        }
    }

    @Test("A peer that stays open settles the frame after a second, whether it has read the reply or not")
    func staysOpen() async throws {
        try await withService { service, _ in
            for reads in [true, false] {
                try await service.post("f1")
                let caller = try RawConnection(port: service.port)
                // From before the reply left: the second can't have been shorter than what is measured here.
                let start = ContinuousClock.now
                try caller.poll()
                if reads { #expect(try await caller.handedOut() == [HandedOut("f1")]) }
                #expect(try await service.comesTo(Counts()))
                let elapsed = ContinuousClock.now - start
                #expect(elapsed >= .seconds(1) && elapsed < .seconds(6), "\(elapsed)")
                caller.reset()
                #expect(try await service.take(wait: "200ms") == nil)
                #expect(try await service.counts() == Counts())
            }
        }
    }

    @Test(
        "HTTP/1.0 and `Connection: close` get their end of the connection, and their frames are settled",
        arguments: [("1.0", []), ("1.1", ["Connection: close"]), ("1.0", ["Connection: keep-alive"])]
    )
    func lastRequest(version: String, headers: [String]) async throws {
        try await withService { service, _ in
            try await service.post("f1", "f2")
            let caller = try RawConnection(port: service.port)
            try caller.send(RawConnection.poll(version: version, headers: headers))
            #expect(try await caller.handedOut() == [HandedOut("f1")])
            if headers == ["Connection: keep-alive"] {
                try caller.send(RawConnection.poll(version: version))
                #expect(try await caller.handedOut() == [HandedOut("f2")])
            } else {
                #expect(try await service.take() == HandedOut("f2"))
            }
            #expect(try await caller.closes())
            caller.close()
            #expect(try await service.comesTo(Counts()))
        }
    }

    @Test("A long sequence of dequeues on one connection gets each frame once, in order")
    func keepAlive() async throws {
        try await withService { service, _ in
            let count = 300
            for number in 0..<count { try await service.post("f\(number)") }
            let caller = try RawConnection(port: service.port)
            for number in 0..<count {
                try caller.poll()
                let frames = try await caller.handedOut()
                try #require(frames == [HandedOut("f\(number)")])
            }
            try caller.poll("wait=0")
            #expect(try await caller.handedOut() == [])
            caller.reset()
            #expect(try await service.comesTo(Counts()))
        }
    }

    @Test("Dequeues pipelined in one write get one frame each, in order")
    func pipelined() async throws {
        try await withService { service, _ in
            try await service.post("f1", "f2")
            let caller = try RawConnection(port: service.port)
            try caller.send(String(repeating: RawConnection.poll("wait=30s"), count: 3))
            #expect(try await caller.handedOut() == [HandedOut("f1")])
            #expect(try await caller.handedOut() == [HandedOut("f2")])
            try await service.post("f3")
            #expect(try await caller.handedOut() == [HandedOut("f3")])
            try caller.send(RawConnection.liveness)
            #expect(try await caller.next()?.status == 200)
            caller.reset()
            #expect(try await service.comesTo(Counts()))
        }
    }

    // MARK: What returns

    @Test("A reset after the reply returns the frame at once, uncounted, to its old place ahead of newer ones")
    func reset() async throws {
        try await withService { service, _ in
            try await service.post("f1", "f2", "f3")
            let caller = try RawConnection(port: service.port)
            try caller.poll()
            #expect(try await caller.handedOut() == [HandedOut("f1")])
            let start = ContinuousClock.now
            caller.reset()
            #expect(try await service.comesTo(Counts(waiting: 3)))
            #expect(ContinuousClock.now - start < .seconds(5))
            for number in 1...3 { #expect(try await service.take() == HandedOut("f\(number)")) }
            #expect(try await service.comesTo(Counts()))
        }
    }

    @Test("A returned frame goes at once to a poll that waits, here or at another replica", arguments: [false, true])
    func returnedToWaiting(elsewhere: Bool) async throws {
        try await withService { service, redis in
            let other = try await FrameBufferProcess(redis: redis.url)
            try await service.post("f1")
            let caller = try RawConnection(port: service.port)
            try caller.poll()
            #expect(try await caller.handedOut() == [HandedOut("f1")])
            let waiting = try RawConnection(port: elsewhere ? other.port : service.port)
            try waiting.poll("wait=60s")
            let start = ContinuousClock.now
            caller.reset()
            #expect(try await waiting.handedOut() == [HandedOut("f1")])
            #expect(ContinuousClock.now - start < .seconds(5))
            await other.kill()
        }
    }

    @Test("A frame returned through one replica comes ahead of newer ones in the others within 100 ms")
    func returnedElsewhere() async throws {
        try await withService { service, redis in
            let other = try await FrameBufferProcess(redis: redis.url)
            try await service.post("f1", "f2", "f3")
            let caller = try RawConnection(port: service.port)
            try caller.poll()
            #expect(try await caller.handedOut() == [HandedOut("f1")])
            // The other one has looked into the queue by now, and may believe that it knows what is there.
            #expect(try await other.take() == HandedOut("f2"))
            caller.reset()
            #expect(try await service.comesTo(Counts(waiting: 2)))
            // A tenth of a second after its last look it knows better.
            #expect(try await redis.consumersRest(for: .milliseconds(100)))
            #expect(try await other.take() == HandedOut("f1"))
            #expect(try await other.take() == HandedOut("f3"))
            await other.kill()
        }
    }

    @Test("So does one at a poll that waits there: newer ones that come later don't overtake it")
    func returnedElsewhereWhileWaiting() async throws {
        try await withService { service, redis in
            let other = try await FrameBufferProcess(redis: redis.url)
            let rounds = 20
            var overtaken = 0
            for round in 1...rounds {
                try await service.post("old")
                let caller = try RawConnection(port: service.port)
                try caller.poll()
                #expect(try await caller.handedOut() == [HandedOut("old")])
                let waiting = try RawConnection(port: other.port)
                try waiting.poll()
                // The frame comes back at another moment of the other one's looking each time, and not before.
                let isEarly = try await RawConnection.blocking {
                    waiting.hasInput(within: .milliseconds(100 + 10 * round))
                }
                #expect(!isEarly)
                caller.reset()
                // A hundred are promised; the rest is for the way there. What has not come by then may be overtaken.
                _ = try await RawConnection.blocking { waiting.hasInput(within: .milliseconds(130)) }
                try await service.post("new")
                let first = try await waiting.handedOut()
                waiting.close()
                if first == [HandedOut("new")] { overtaken += 1 } else { #expect(first == [HandedOut("old")]) }
                #expect(try await service.take() == HandedOut(first == [HandedOut("new")] ? "old" : "new"))
                #expect(try await service.comesTo(Counts()))
            }
            // On a busy machine the way can be longer now and then.
            #expect(overtaken <= 3, "\(overtaken) of \(rounds)")
            await other.kill()
        }
    }

    @Test("A close with the reply unread, or half read, returns the frame", arguments: [10, 1_000_000])
    func unread(padding: Int) async throws {
        try await withService { service, _ in
            let pad = String(repeating: "x", count: padding)
            #expect(try await service.enqueue(#"{"frame_id":"f1","pad":"\#(pad)"}"#).status == 200)
            try await service.post("f2")
            // A smaller buffer than the larger reply: that one is on its way when its caller leaves.
            let caller = try AbruptClient(port: service.port, receiveBuffer: 65_536)
            try caller.send(RawConnection.poll())
            #expect(try await service.comesTo(Counts(waiting: 1, leased: 1)))
            caller.close()
            #expect(try await service.comesTo(Counts(waiting: 2)))
            #expect(try await service.take() == HandedOut("f1"))
            #expect(try await service.take() == HandedOut("f2"))
        }
    }

    @Test("A reset within 100 ms of the orderly close returns the frame after all")
    func resetAfterClose() async throws {
        try await withService { service, _ in
            try await service.post("f1")
            var inTime = false
            for _ in 0..<20 where !inTime {
                let port = service.port
                let (frameID, elapsed) = try await withOwnDescriptors {
                    let caller = try AbruptClient(port: port)
                    try caller.send(RawConnection.poll("wait=10s"))
                    let answer = caller.answer(within: .seconds(20))
                    let start = ContinuousClock.now
                    caller.shutdownSending()
                    caller.reset()
                    return (answer?.frameID, ContinuousClock.now - start)
                }
                #expect(frameID == "f1")
                // On a machine that slept between the two the frame may be settled, and rightly so.
                inTime = elapsed < .milliseconds(50)
                #expect(try await eventually { try await service.counts().leased == 0 })
                if !inTime, try await service.counts() == Counts() { try await service.post("f1") }
            }
            try #require(inTime)
            #expect(try await service.comesTo(Counts(waiting: 1)))
            #expect(try await service.take() == HandedOut("f1"))
        }
    }

    @Test("Dequeues that were sent together prove nothing about each other: a reset returns all frames, in order")
    func resetPipelined() async throws {
        try await withService { service, _ in
            try await service.post("f1", "f2", "f3")
            let together = try RawConnection(port: service.port)
            try together.send(String(repeating: RawConnection.poll(), count: 3))
            for number in 1...3 { #expect(try await together.handedOut() == [HandedOut("f\(number)")]) }
            together.reset()
            #expect(try await service.comesTo(Counts(waiting: 3)))
            for number in 1...3 { #expect(try await service.take() == HandedOut("f\(number)")) }
            #expect(try await service.comesTo(Counts()))
        }
    }

    @Test("A request that came while a reply was owing is no next request for it")
    func owing() async throws {
        try await withService { service, redis in
            let caller = try RawConnection(port: service.port)
            try caller.poll()
            #expect(try await service.pollsWait(redis))
            try caller.poll()
            // It is answered after the second poll was read, as that came first.
            #expect(try await service.get("/health/live").status == 200)
            try await service.post("f1", "f2")
            #expect(try await caller.handedOut() == [HandedOut("f1")])
            #expect(try await caller.handedOut() == [HandedOut("f2")])
            caller.reset()
            #expect(try await service.comesTo(Counts(waiting: 2)))
            #expect(try await service.take() == HandedOut("f1"))
            #expect(try await service.take() == HandedOut("f2"))
        }
    }

    @Test("All frames of one reply return together, in order")
    func resetBatch() async throws {
        try await withService { service, _ in
            try await service.post("f1", "f2", "f3", "f4")
            let caller = try RawConnection(port: service.port)
            try caller.poll("count=3")
            #expect(try await caller.handedOut() == (1...3).map { HandedOut("f\($0)") })
            caller.reset()
            #expect(try await service.comesTo(Counts(waiting: 4)))
            for number in 1...4 { #expect(try await service.take() == HandedOut("f\(number)")) }
        }
    }

    @Test("A payload as it is returns like any other reply")
    func resetPayload() async throws {
        try await withService { service, _ in
            let picture = (0..<100_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }
            let enqueued = try await service.call(
                "POST",
                "/enqueue?frame_id=p",
                headers: [("Content-Type", "image/jpeg")],
                body: picture
            )
            #expect(enqueued.status == 200)
            for isLast in [false, true] {
                let caller = try RawConnection(port: service.port)
                try caller.poll(headers: ["Accept: image/*"])
                let reply = try #require(try await caller.next())
                #expect(reply.header("X-Frame-Id") == "p")
                #expect(reply.body == picture)
                if isLast { caller.close() } else { caller.reset() }
                #expect(try await service.comesTo(isLast ? Counts() : Counts(waiting: 1)))
            }
        }
    }

    @Test("A peer that never reads is reset after 10 s, and its large frame comes again")
    func neverReads() async throws {
        try await withService { service, _ in
            // More than the kernel takes in for a peer that asked it for little.
            let payload = [UInt8](repeating: 0xA5, count: 8 << 20)
            let enqueued = try await service.call(
                "POST",
                "/enqueue?frame_id=big",
                headers: [("Content-Type", "application/octet-stream")],
                body: payload
            )
            #expect(enqueued.status == 200)
            let caller = try AbruptClient(port: service.port, receiveBuffer: 65_536)
            let start = ContinuousClock.now
            try caller.send(RawConnection.poll(headers: ["Accept: application/octet-stream"]))
            #expect(try await service.comesTo(Counts(leased: 1)))
            #expect(try await service.comesTo(Counts(waiting: 1), within: .seconds(40)))
            let elapsed = ContinuousClock.now - start
            #expect(elapsed >= .seconds(10) && elapsed < .seconds(25), "\(elapsed)")
            caller.readNow()
            #expect(caller.hasEnded)
            #expect(caller.answer() == nil)
            let again = try await service.get("/dequeue", headers: [("Accept", "application/octet-stream")])
            #expect(again.header("X-Frame-Id") == "big")
            #expect(again.body == payload)
            #expect(try await service.comesTo(Counts()))
        }
    }

    @Test("A frame that failed to reach a caller 100 times running is dead, as undeliverable")
    func undeliverable() async throws {
        try await withService { service, redis in
            try await service.post("f1", "f2")
            for round in 1...100 {
                let caller = try RawConnection(port: service.port)
                try caller.poll("wait=0")
                let frames = try await caller.handedOut()
                try #require(frames == [HandedOut("f1")], "round \(round)")
                caller.reset()
                let counts = round < 100 ? Counts(waiting: 2) : Counts(waiting: 1, dead: 1)
                try #require(try await service.comesTo(counts), "round \(round)")
            }
            let dead = try await redis.cli("XRANGE", "frames:queue:{frames:queue}:dead", "-", "+")
            #expect(dead.contains("frame_id\nf1\n"))
            #expect(dead.contains("_dead_reason\nundeliverable\n"))
            #expect(try await service.take() == HandedOut("f2"))
        }
    }

    // MARK: Callers that leave while they wait

    @Test("A close while waiting, if only by half, ends the poll empty; the next frame goes to the next poll")
    func leavesWhileWaiting() async throws {
        try await withService { service, redis in
            for halfOnly in [false, true] {
                let leaving = try RawConnection(port: service.port)
                try leaving.poll("wait=60s")
                #expect(try await service.pollsWait(redis))
                if halfOnly {
                    leaving.shutdownSending()
                    #expect(try await leaving.handedOut(within: 20) == [])
                    #expect(try await leaving.closes(within: 20))
                } else {
                    leaving.close()
                }
                #expect(try await service.noPollWaits(redis))
                let staying = try RawConnection(port: service.port)
                try staying.poll("wait=60s")
                try await service.post("f1")
                #expect(try await staying.handedOut() == [HandedOut("f1")])
                staying.close()
                #expect(try await service.comesTo(Counts()))
            }
        }
    }

    /// Case C01, without a lease.
    @Test("Ten callers hang up while they wait, half of them killed: the next frame goes to the poll that lives")
    func hangUps() async throws {
        try await withService { service, redis in
            do {
                let callers = try (0..<10).map { try AbruptClient(port: service.port, isProcess: $0 % 2 == 0) }
                for caller in callers { try caller.send(RawConnection.poll("wait=60s")) }
                #expect(try await service.pollsWait(redis))
                for (number, caller) in callers.enumerated() { number % 2 == 0 ? caller.kill() : caller.close() }
            }
            #expect(try await service.noPollWaits(redis))
            #expect(try await redis.cli("XPENDING", "frames:queue", "workers").hasPrefix("0\n"))
            let live = try RawConnection(port: service.port)
            try live.poll("wait=60s")
            let start = ContinuousClock.now
            try await service.post("f1")
            #expect(try await live.handedOut() == [HandedOut("f1")])
            #expect(ContinuousClock.now - start < .seconds(5))
            live.close()
            #expect(try await service.comesTo(Counts()))
        }
    }

    @Test("A dequeue that does not wait is not held up by one that does")
    func noWait() async throws {
        try await withService { service, redis in
            let waiting = try RawConnection(port: service.port)
            try waiting.poll("wait=60s")
            #expect(try await service.pollsWait(redis))
            let start = ContinuousClock.now
            for _ in 1...10 { #expect(try await service.take(wait: "0") == nil) }
            #expect(ContinuousClock.now - start < .seconds(3))
            try await service.post("f1")
            #expect(try await waiting.handedOut() == [HandedOut("f1")])
        }
    }

    // MARK: Callers that have said all they had to say

    @Test("Who closes the sending half behind a request that is no poll still gets its true answer")
    func halfClosesBehindRequest() async throws {
        try await withService(["FRAMEBUFFER_CAPACITY_FRAMES": "1"]) { service, _ in
            func status(of request: String) async throws -> Int? {
                let caller = try RawConnection(port: service.port)
                try caller.send(request)
                caller.shutdownSending()
                let reply = try await caller.next()
                #expect(try await caller.closes())
                return reply?.status
            }
            for path in ["/health", "/health/live", "/health/ready", "/queue/size"] {
                let status = try await status(of: "GET \(path) HTTP/1.1\r\nHost: test\r\n\r\n")
                #expect(status == 200, "\(path)")
            }
            for (frameID, expected) in [("f1", 200), ("f2", 429), ("f3", 429)] {
                let status = try await status(of: RawConnection.frame(#"{"frame_id":"\#(frameID)"}"#))
                #expect(status == expected, "\(frameID)")
            }
            #expect(try await service.take() == HandedOut("f1"))
            #expect(try await service.comesTo(Counts()))
        }
    }
}

extension FrameBufferProcess {
    /// Whether its blocking connection comes to wait for somebody's sake.
    fileprivate func pollsWait(_ redis: RedisServer) async throws -> Bool {
        try await eventually { try await redis.blockedClients() > 0 }
    }

    /// Whether its blocking connection comes to rest. Between two of its looks it is idle for an instant too: so one look
    /// at it is not enough.
    fileprivate func noPollWaits(_ redis: RedisServer) async throws -> Bool {
        var idle = 0
        return try await eventually {
            idle = try await redis.blockedClients() == 0 ? idle + 1 : 0
            return idle == 10
        }
    }
}

extension RedisServer {
    fileprivate func blockedClients() async throws -> Int {
        let text = try await cli("INFO", "clients")
        return try #require(text.firstMatch(of: /blocked_clients:(\d+)/).flatMap { Int($0.1) })
    }
}

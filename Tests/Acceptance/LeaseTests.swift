import RedisTesting
import Testing

/// Cases C10, C09, C12 and C03, and what a worker sees of leases.
@Suite("Leases", .timeLimit(.minutes(3)))
struct LeaseTests {
    // MARK: Asking for one

    @Test("have a receipt and an end in each form of the answer")
    func forms() async throws {
        try await withService { service, _ in
            try await service.post("one", "two", "three")
            let one = try #require(try await service.lease("90s"))
            #expect(one.frameID == "one")
            #expect(one.expiresIn == 90_000)
            #expect(one.receipt.hasPrefix(one.messageID + "."))
            let reply = try await service.call("POST", "/dequeue?lease=1h&count=2&consumer=worker%207")
            let rest = try Leased.all(in: reply)
            #expect(rest.map(\.frameID) == ["two", "three"])
            #expect(rest.allSatisfy { $0.expiresIn == 3_600_000 })
            let picture = [UInt8](0...255)
            let headers = [("Content-Type", "image/jpeg")]
            #expect(try await service.call("POST", "/enqueue", headers: headers, body: picture).status == 200)
            let raw = try await service.get("/dequeue?lease=5m", headers: [("Accept", "image/*")])
            #expect(raw.body == picture)
            #expect(raw.header("x-lease-expires-in-ms") == "300000")
            let receipt = try #require(raw.header("x-receipt"))
            #expect(try await service.counts() == Counts(leased: 4))
            let receipts = [one.receipt, receipt] + rest.map(\.receipt)
            #expect(try await service.settle("/ack", receipts) == SettlingAnswer(200, settled: 4))
            #expect(try await service.counts() == Counts())
            #expect(try await service.get("/dequeue?wait=0&lease=5s").text == #"{"status":"empty"}"#)
        }
    }

    @Test("of unusable durations or labels are 400 and take no frame")
    func parameters() async throws {
        try await withService { service, _ in
            try await service.post("f")
            for lease in ["", "0", "999ms", "61m", "2h", "x", "-1s", "1.5s", "1e3"] {
                let problem = try await service.get("/dequeue?wait=0&lease=\(lease)").expectProblem(400)
                #expect(problem["detail"]?.string?.contains("lease") == true, "\(lease)")
            }
            let long = String(repeating: "c", count: 257)
            for consumer in ["", "%0A", "%7F", long] {
                let problem = try await service.get("/dequeue?wait=0&lease=5s&consumer=\(consumer)").expectProblem(400)
                #expect(problem["detail"]?.string?.contains("consumer") == true, "\(consumer)")
            }
            #expect(try await service.counts() == Counts(waiting: 1))
            #expect(try await service.lease("1", wait: "0")?.expiresIn == 1000)
        }
    }

    // MARK: Settling

    @Test("are one holder's until their end; then the frame comes again and the first receipt is stale (C10)")
    func oneHolder() async throws {
        try await withService { service, redis in
            try await service.post("f")
            let clock = ContinuousClock()
            let start = clock.now
            let a = try #require(try await service.lease("4s"))
            #expect(a.deliveries == 1)
            while clock.now - start < .seconds(3) {
                #expect(try await service.lease("60s", wait: "250ms") == nil)
            }
            let b = try #require(try await service.lease("60s", wait: "20s"))
            #expect(clock.now - start >= .seconds(4))
            #expect(b.frameID == "f" && b.deliveries == 2 && b.receipt != a.receipt)
            #expect(try await service.settle("/ack", a) == SettlingAnswer(409))
            #expect(
                try await service.settle("/ack", [a.receipt, b.receipt])
                    == SettlingAnswer(200, settled: 1, stale: [a.receipt])
            )
            #expect(try await service.settle("/ack", b) == SettlingAnswer(200))
            #expect(try await service.settle("/ack", a) == SettlingAnswer(409))
            #expect(try await service.counts() == Counts())
            #expect(try await redis.cli("XLEN", "frames:queue") == "0")
        }
    }

    @Test("of different lengths end by themselves: only the short one comes back (C10)")
    func mixed() async throws {
        try await withService { service, _ in
            try await service.post("long", "short")
            let long = try await service.lease("60s")
            let short = try await service.lease("1s")
            #expect(short?.frameID == "short")
            let again = try await service.lease("60s")
            #expect(again?.frameID == "short" && again?.deliveries == 2)
            #expect(try await service.lease(wait: "1500ms") == nil)
            #expect(try await service.settle("/ack", [long, again].compactMap { $0?.receipt }).settled == 2)
        }
    }

    @Test(
        "are settled by receipts only: what can't be one is 400, one that is nobody's is 409",
        arguments: ["/ack", "/nack", "/extend", "/reject"]
    )
    func unknownReceipts(_ path: String) async throws {
        try await withService { service, _ in
            try await service.post("f")
            let frame = try #require(try await service.lease())
            let members = path == "/extend" ? #""lease":"60s""# : ""
            let unknown = frame.messageID + ".0123456789abcdef"
            #expect(try await service.settle(path, ["5-5.0123456789abcdef", unknown], members) == SettlingAnswer(409))
            for malformed in ["5-5", "notanid", "", frame.messageID, frame.receipt + "0", "5-5.0123456789ABCDEF"] {
                #expect(
                    try await service.settle(path, [frame.receipt, malformed], members) == SettlingAnswer(400),
                    "\(malformed)"
                )
            }
            let beside = members.isEmpty ? "" : "," + members
            let bodies = [
                "", "[]", "{}", "x", #"{"receipts":"\#(frame.receipt)"}"#, #"{"receipts":[1]\#(beside)}"#,
                #"{"receipts":[]\#(beside)}"#, #"{"receipts":null\#(beside)}"#,
                #"{"receipt":["\#(frame.receipt)"]\#(beside)}"#,
                #"{"receipts":["\#(frame.receipt)"],"x":1\#(beside)}"#,
                #"{"receipts":["\#(frame.receipt)"]\#(beside)} x"#,
            ]
            for body in bodies {
                let reply = try await service.call("POST", path, body: Array(body.utf8))
                try reply.expectProblem(400)
            }
            let many = [String](repeating: frame.receipt, count: 1001)
            #expect(try await service.settle(path, many, members).status == 400)
            #expect(try await service.call("GET", path).status == 405)
            try await service.call("POST", path + "?queue=other", body: Array("{}".utf8)).expectProblem(404)
            #expect(try await service.counts() == Counts(leased: 1))
            // As curl -d sends it, which calls it a form.
            let form = [("Content-Type", "application/x-www-form-urlencoded")]
            let body = Array(#" {"receipts": ["\#(frame.receipt)"]\#(beside)}"#.utf8)
            let reply = try await service.call("POST", path, headers: form, body: body)
            #expect(reply.text == #"{"settled":1,"stale":[]}"#)
        }
    }

    @Test("refuse delays, lengths and reasons that can't be used, and change nothing")
    func unusableMembers() async throws {
        try await withService { service, _ in
            try await service.post("f")
            let frame = try #require(try await service.lease())
            let long = String(repeating: "x", count: 1025)
            let refused = [
                ("/nack", #""delay":"-1s""#), ("/nack", #""delay":"61m""#), ("/nack", #""delay":null"#),
                ("/nack", #""delay":1.5"#), ("/nack", #""reason":7"#), ("/nack", "\"reason\":\"\(long)\""),
                ("/extend", ""), ("/extend", #""lease":"0""#), ("/extend", #""lease":"2h""#),
                ("/extend", #""lease":[]"#),
                ("/reject", "\"reason\":\"\(long)\""), ("/ack", #""reason":"done""#), ("/reject", #""delay":"5s""#),
            ]
            for (path, members) in refused {
                #expect(try await service.settle(path, frame, members) == SettlingAnswer(400), "\(path) \(members)")
            }
            #expect(try await service.settle("/extend", frame, #""lease":90"#) == SettlingAnswer(200, settled: 1))
            #expect(try await service.counts() == Counts(leased: 1))
        }
    }

    @Test("end by nack, at once or after a delay, and last longer by extend")
    func nackAndExtend() async throws {
        try await withService { service, _ in
            try await service.post("a", "b")
            let first = try await service.lease("2s")
            #expect(try await service.settle("/nack", first) == SettlingAnswer(200, settled: 1))
            #expect(try await service.settle("/nack", first) == SettlingAnswer(200))
            #expect(try await service.counts() == Counts(waiting: 2))
            let second = try #require(try await service.lease("2s"))
            #expect(second.frameID == "a" && second.deliveries == 2)
            let start = ContinuousClock.now
            #expect(try await service.settle("/nack", second, #""delay":"2s","reason":"no\nGPU""#).settled == 1)
            #expect(try await service.settle("/nack", first).status == 409)
            let b = try await service.lease("1s")
            #expect(b?.frameID == "b")
            #expect(try await service.settle("/extend", b, #""lease":"1m""#) == SettlingAnswer(200, settled: 1))
            #expect(try await service.counts() == Counts(leased: 2))
            let third = try await service.lease("60s", wait: "20s")
            #expect(third?.frameID == "a" && third?.deliveries == 3)
            #expect(ContinuousClock.now - start >= .seconds(2))
            #expect(try await service.lease(wait: "100ms") == nil)
        }
    }

    // MARK: What others do to the queue

    @Test("forget frames that others trimmed or deleted, and only those (C09)", arguments: [true, false])
    func trimmed(byTrimming: Bool) async throws {
        try await withService { service, redis in
            try await service.post("0", "1", "2", "3", "4")
            let leased = try await service.leaseAll(5, "2s")
            #expect(leased.count == 5)
            if byTrimming {
                try await redis.cli("XTRIM", "frames:queue", "MAXLEN", "2")
            } else {
                try await redis.cli(["XDEL", "frames:queue"] + leased.prefix(3).map(\.messageID))
            }
            let survivors = try await service.leaseAll(2, "60s", wait: "20s")
            #expect(survivors.map(\.frameID) == ["3", "4"])
            #expect(try await service.lease(wait: "300ms") == nil)
            #expect(try await redis.cli("XPENDING", "frames:queue", "workers").hasPrefix("2"))
            #expect(try await service.settle("/ack", survivors.map(\.receipt)).settled == 2)
            #expect(try await redis.cli("XPENDING", "frames:queue", "workers").hasPrefix("0"))
            #expect(try await service.counts() == Counts())
            #expect(try await redis.cli("HGET", "frames:queue:{frames:queue}:counters", "trimmed") == "3")
            #expect(try await service.settle("/ack", leased.map(\.receipt)) == SettlingAnswer(409))
        }
    }

    @Test("that others delete are counted and logged as lost, also while Redis is out of memory (C03)")
    func deletedOutOfMemory() async throws {
        try await withService { service, redis in
            try await service.post("0", "1", "2", "3")
            let leased = try await service.leaseAll(4)
            try await redis.cli("CONFIG", "SET", "maxmemory", "1")
            #expect(try await redis.cli(["XDEL", "frames:queue"] + leased.prefix(3).map(\.messageID)) == "3")
            #expect(try await service.counts() == Counts(leased: 1))
            #expect(try await service.get("/queue").json()["counters"]?["trimmed"]?.integer == 3)
            let isLogged = try await eventually { service.log.contains("frames in hand were trimmed or deleted") }
            #expect(isLogged)
            #expect(try await service.settle("/ack", leased.map(\.receipt)).settled == 1)
        }
    }

    @Test("are counted exactly beside what waits, whatever others delete (C12)")
    func counts() async throws {
        try await withService { service, redis in
            for number in 0..<10 { try await service.post("\(number)") }
            let leased = try await service.leaseAll(4)
            #expect(try await service.settle("/ack", leased.dropLast().map(\.receipt)).settled == 3)
            #expect(try await service.counts() == Counts(waiting: 6, leased: 1))
            try await redis.cli("XDEL", "frames:queue", try await redis.entries()[3].id)
            #expect(try await service.counts() == Counts(waiting: 5, leased: 1))
            try await redis.cli("XTRIM", "frames:queue", "MAXLEN", "3")
            #expect(try await service.counts() == Counts(waiting: 3))
            #expect(try await service.leaseAll(10, wait: "300ms").map(\.frameID) == ["7", "8", "9"])
            #expect(try await service.counts() == Counts(leased: 3))
        }
    }

    @Test("are given and settled while Redis is out of memory, and producers are refused (C03)")
    func outOfMemory() async throws {
        try await withService { service, redis in
            try await service.post("1", "2", "3")
            try await redis.cli("CONFIG", "SET", "maxmemory", "1")
            try await service.enqueue(#"{"frame_id":"4"}"#).expectProblem(503)
            let leased = try await service.leaseAll(3)
            #expect(leased.map(\.frameID) == ["1", "2", "3"])
            #expect(try await service.settle("/extend", [leased[0].receipt], #""lease":"60s""#).settled == 1)
            #expect(try await service.settle("/nack", [leased[0].receipt]).settled == 1)
            #expect(try await service.settle("/ack", leased.map(\.receipt)) == SettlingAnswer(200, settled: 3))
            #expect(try await service.counts() == Counts())
            #expect(try await service.get("/health/live").status == 200)
            try await redis.cli("CONFIG", "SET", "maxmemory", "0")
            try await service.post("5")
            #expect(try await service.lease()?.frameID == "5")
        }
    }

    @Test(
        "end when the group is lost: frames enqueued then come once each and in order (C02)",
        arguments: ["FLUSHALL", "restart"]
    )
    func groupLost(_ loss: String) async throws {
        try await withService { service, redis in
            try await service.post("old")
            let old = try await service.lease()
            let poll = Task { try await service.get("/dequeue?lease=60s&wait=4s") }
            #expect(try await eventually { try await redis.info("blocked_clients") == 1 })
            if loss == "restart" {
                redis.kill()
                try await redis.start()
            } else {
                try await redis.cli("FLUSHALL")
            }
            try await service.post("f1", "f2")
            let reply = try await poll.value
            // A restart may take longer than a request waits for a Redis that is away; an error else it is not.
            #expect(reply.status == 200 || (loss == "restart" && reply.status == 503), "\(reply.text)")
            var received = reply.status == 200 ? try Leased.all(in: reply) : []
            received += try await service.leaseAll(2 - received.count)
            #expect(received.map(\.frameID) == ["f1", "f2"])
            #expect(received.allSatisfy { $0.deliveries == 1 })
            #expect(try await service.settle("/ack", old) == SettlingAnswer(409))
            #expect(try await service.settle("/ack", received.map(\.receipt)).settled == 2)
        }
    }

    // MARK: Many polls

    @Test("of three hundred waiting polls delay nothing else, and each poll gets a frame of its own (C06)")
    func threeHundred() async throws {
        try await withService { service, redis in
            let count = 300
            try await withThrowingTaskGroup(of: Leased?.self) { polls in
                for _ in 0..<count { polls.addTask { try await service.lease("60s", wait: "50s") } }
                #expect(try await eventually { try await redis.info("blocked_clients") ?? 0 > 0 })
                var times: [Duration] = []
                for _ in 0..<100 {
                    let (answer, time) = try await ContinuousClock().timed {
                        try await service.settle("/ack", ["5-5.0123456789abcdef"])
                    }
                    #expect(answer == SettlingAnswer(409))
                    times.append(time)
                }
                times.sort()
                // How busy the machine is decides the rest.
                #expect(times[times.count / 2] < .milliseconds(250))
                #expect(times.last.map { $0 < .seconds(5) } == true)
                for number in 0..<count { try await service.post("\(number)") }
                var receipts: [String] = []
                for try await frame in polls { receipts.append(try #require(frame).receipt) }
                #expect(Set(receipts).count == count)
                #expect(try await service.settle("/ack", receipts) == SettlingAnswer(200, settled: count))
            }
            #expect(try await service.counts() == Counts())
        }
    }
}

import RedisTesting
import Testing

@Suite("Dead letters", .timeLimit(.minutes(3)))
struct DeadLetterTests {
    private func letters(_ service: FrameBufferProcess, _ query: String = "") async throws -> [JSON] {
        let reply = try await service.get("/dead-letters\(query)")
        guard case .array(let letters)? = try reply.json()["dead_letters"] else {
            throw FrameBufferProcess.Failure(description: "dead letters: \(reply.status) \(reply.text)")
        }
        return letters
    }

    private func reject(_ ids: String..., in service: FrameBufferProcess) async throws {
        for id in ids {
            try await service.post(id)
            #expect(try await service.settle("/reject", try await service.lease()) == SettlingAnswer(200, settled: 1))
        }
    }

    @Test("are frames that were rejected or delivered in vain too often, with reason, deliveries, ids, trace and time")
    func listed() async throws {
        try await withService(["FRAMEBUFFER_MAX_DELIVERIES": "2"]) { service, _ in
            let reply = try await service.enqueue(#"{"frame_id":"poison","camera_id":"cam01"}"#)
            try await service.post("lapses", "fine")
            let first = try await service.leaseAll(3, "1s")
            #expect(first.map(\.frameID) == ["poison", "lapses", "fine"])
            #expect(try await service.settle("/nack", [first[0].receipt], #""reason":"too dark""#).settled == 1)
            #expect(try await service.settle("/ack", [first[2].receipt]).settled == 1)
            let poison = try #require(try await service.lease("60s"))
            #expect(poison.frameID == "poison" && poison.deliveries == 2)
            #expect(try await service.settle("/nack", poison, #""delay":"1h","reason":"too\tdark""#).settled == 1)
            #expect(try await service.settle("/nack", poison) == SettlingAnswer(200))
            #expect(try await service.lease("1s", wait: "20s")?.frameID == "lapses")
            #expect(try await service.comesTo(Counts(dead: 2)))
            let letters = try await letters(service)
            #expect(letters.map { $0["frame_id"]?.string } == ["poison", "lapses"])
            #expect(letters.map { $0["reason"]?.string } == ["too dark", "lease_expired"])
            #expect(letters.map { $0["deliveries"]?.integer } == [2, 2])
            let letter = letters[0]
            #expect(letter["camera_id"]?.string == "cam01")
            #expect(letters[1]["camera_id"] == .null)
            #expect(letter["original_message_id"] == (try reply.json()["message_id"]))
            #expect(letter["trace_id"] == (try reply.json()["trace_id"]))
            #expect(letter["dead_at"]?.string?.wholeMatch(of: /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z/) != nil)
            #expect(try await service.settle("/ack", first[1]) == SettlingAnswer(409))
        }
    }

    @Test("are listed in pages")
    func pages() async throws {
        try await withService { service, _ in
            try await reject("1", "2", "3", "4", "5", in: service)
            var ids: [String?] = []
            var after = ""
            while true {
                let page = try await service.get("/dead-letters?count=2\(after)").json()
                guard case .array(let letters)? = page["dead_letters"] else { break }
                ids += letters.map { $0["frame_id"]?.string }
                guard let next = page["next"]?.string else { break }
                #expect(next == letters.last?["message_id"]?.string)
                after = "&after=\(next)"
            }
            #expect(ids == ["1", "2", "3", "4", "5"])
            for query in ["count=0", "count=1001", "count=x", "after=x", "after=", "after=%zz"] {
                try await service.get("/dead-letters?\(query)").expectProblem(400)
            }
        }
    }

    @Test("are redriven one, some or all: new frames at the tail, with new ids, their trace and no deliveries")
    func redriven() async throws {
        try await withService { service, _ in
            try await reject("1", "2", "3", "4", in: service)
            let dead = try await letters(service)
            try await service.post("new")
            let one = #"{"message_ids":["\#(dead[2]["message_id"]?.string ?? "")"]}"#
            for expected in ["1", "0"] {
                let reply = try await service.call("POST", "/dead-letters/redrive", body: Array(one.utf8))
                #expect(reply.text == #"{"redriven":\#(expected)}"#)
            }
            #expect(try await service.call("POST", "/dead-letters/redrive").text == #"{"redriven":3}"#)
            #expect(try await service.counts() == Counts(waiting: 5))
            let frames = try await service.leaseAll(5)
            #expect(frames.map(\.frameID) == ["new", "3", "1", "2", "4"])
            #expect(frames.allSatisfy { $0.deliveries == 1 })
            #expect(!dead.contains { $0["original_message_id"]?.string == frames[1].messageID })
            #expect(try await service.settle("/reject", [frames[1].receipt], #""reason":"again""#).settled == 1)
            let again = try #require(try await letters(service).first)
            #expect(again["trace_id"] == dead[2]["trace_id"])
            #expect(again["reason"] == .string("again"))
            #expect(again["deliveries"]?.integer == 1)
        }
    }

    @Test("are deleted one, some or all; what names none of them is 400")
    func deleted() async throws {
        try await withService { service, _ in
            try await reject("1", "2", "3", in: service)
            let id = try await letters(service)[1]["message_id"]?.string ?? ""
            let one = #"{"message_ids":["\#(id)","5-5"]}"#
            #expect(try await service.call("DELETE", "/dead-letters", body: Array(one.utf8)).text == #"{"deleted":1}"#)
            for body in ["{}", "x", #"{"message_ids":[]}"#, #"{"message_ids":["x"]}"#, #"{"ids":["\#(id)"]}"#] {
                try await service.call("DELETE", "/dead-letters", body: Array(body.utf8)).expectProblem(400)
                try await service.call("POST", "/dead-letters/redrive", body: Array(body.utf8)).expectProblem(400)
            }
            #expect(try await service.counts() == Counts(dead: 2))
            #expect(try await service.call("DELETE", "/dead-letters").text == #"{"deleted":2}"#)
            #expect(try await service.counts() == Counts())
            #expect(try await service.call("POST", "/dead-letters").status == 405)
        }
    }

    @Test("hold no other frame up: those behind a poison frame come in their order")
    func poison() async throws {
        try await withService(["FRAMEBUFFER_MAX_DELIVERIES": "3"]) { service, _ in
            try await service.post("poison", "1", "2", "3")
            var received: [String] = []
            while received.count < 3 {
                let frame = try #require(try await service.lease())
                if frame.frameID == "poison" {
                    #expect(try await service.settle("/nack", frame).settled == 1)
                } else {
                    received.append(frame.frameID)
                    #expect(try await service.settle("/ack", frame).settled == 1)
                }
            }
            #expect(received == ["1", "2", "3"])
            #expect(try await service.counts() == Counts(dead: 1))
        }
    }
}

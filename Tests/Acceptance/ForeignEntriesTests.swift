import Foundation
import RedisTesting
import Testing

@Suite("Entries that another client wrote straight into the stream")
struct ForeignEntriesTests {
    @Test("are served in order whatever their trace context, and what can't be served goes to the dead letters alone")
    func served() async throws {
        try await withService { service, redis in
            try await redis.cli("XADD", "frames:queue", "*", "frame_id", "x1", "_traceparent", "garbage")
            try await redis.cli("XADD", "frames:queue", "*", "frame_id", "x2")
            try await redis.cli("XADD", "frames:queue", "*", "frame_id", "x3", "_traceparent", "")
            try await redis.cli("XADD", "frames:queue", "*", "a", "b")
            let zero = "00-\(String(repeating: "0", count: 32))-\(String(repeating: "0", count: 16))-01"
            try await redis.cli(
                "XADD",
                "frames:queue",
                "*",
                "frame_id",
                "x5",
                "_traceparent",
                zero,
                "_tracestate",
                "a=1"
            )
            // redis-cli takes text only; a script writes bytes.
            let bytes =
                #"redis.call('XADD', KEYS[1], '*', 'frame_id', 'x6', 'raw', '\255\0\254', '\253', 'v', 'data', '\255\216')"#
            try await redis.cli("EVAL", bytes, "1", "frames:queue")
            try await redis.cli("XADD", "frames:queue", "*", "frame_id", "x7", "_json", "n", "n", "notjson")
            let trace = "0af7651916cd43dd8448eb211c80319c"
            let headers = [("traceparent", "00-\(trace)-b7ad6b7169203331-01"), ("tracestate", "v=1")]
            #expect(try await service.enqueue(#"{"frame_id":"x8"}"#, headers: headers).status == 200)

            var frames: [JSON] = []
            for _ in 0..<7 {
                let reply = try await service.get("/dequeue?wait=5s")
                #expect(reply.status == 200)
                let answer = try reply.json()
                let frame = try #require(answer["frame"], "\(reply.text)")
                frames.append(frame)
                let traceID = try #require(answer["trace_id"]?.string)
                #expect(
                    traceID.wholeMatch(of: /[0-9a-f]{32}/) != nil && traceID.contains { $0 != "0" },
                    "\(reply.text)"
                )
                let traceparent = try #require(frame["_traceparent"]?.string)
                #expect(traceparent.wholeMatch(of: /00-[0-9a-f]{32}-[0-9a-f]{16}-0[0-3]/) != nil, "\(reply.text)")
                #expect(traceparent.dropFirst(3).hasPrefix(traceID))
                #expect(reply.header("traceparent") == traceparent)
                #expect((traceID == trace) == (frame["frame_id"] == .string("x8")))
            }
            #expect(try await service.dequeue(wait: "200ms") == nil)

            let context: Set = ["_traceparent", "_tracestate"]
            let others = frames.map { frame in
                guard case .object(let members) = frame else { return [String: JSON]() }
                return members.filter { !context.contains($0.key) }
            }
            #expect(others[0] == ["frame_id": .string("x1")])
            #expect(others[1] == ["frame_id": .string("x2")])
            #expect(others[2] == ["frame_id": .string("x3")])
            #expect(others[3] == ["a": .string("b")])
            #expect(others[4] == ["frame_id": .string("x5")])
            // Its tracestate goes with the context that it belonged to.
            #expect(frames[4]["_tracestate"] == nil)
            #expect(frames[5]["raw"] == .string(Data([255, 0, 254]).base64EncodedString()))
            #expect(frames[5][Data([253]).base64EncodedString()] == .string("v"))
            #expect(frames[5]["data"] == .string(Data([255, 216]).base64EncodedString()))
            #expect(frames[5]["data_encoding"] == .string("base64"))
            #expect(frames[5]["_base64"] == .array([.string("raw")]))
            #expect(others[6] == ["frame_id": .string("x8")])
            #expect(frames[6]["_tracestate"] == .string("v=1"))

            let letters = try await redis.entries(of: "frames:queue:{frames:queue}:dead")
            #expect(letters.map { $0["frame_id"] } == ["x7"])
            #expect(letters.first?["n"] == "notjson")
            #expect(letters.first?["_dead_reason"]?.contains("_json") == true, "\(letters)")
            let isClear = try await eventually {
                let size = try await service.get("/queue/size").json()
                return size["size"]?.integer == 0 && size["dead"]?.integer == 1
            }
            #expect(isClear)
            #expect(try await redis.cli("XPENDING", "frames:queue", "workers").hasPrefix("0"))
        }
    }

    @Test("never block what is behind them, however many can't be served")
    func manyDead() async throws {
        try await withService { service, redis in
            let script =
                "for i = 1, 500 do redis.call('XADD', KEYS[1], '*', 'n', i, '_json', i % 2 == 0 and 'n,m' or '%zz') end"
            try await redis.cli("EVAL", script, "1", "frames:queue")
            #expect(try await service.enqueue(#"{"frame_id":"behind"}"#).status == 200)
            let seconds = try service.processorSeconds
            #expect(try await service.dequeue(wait: "20s")?["frame_id"] == .string("behind"))
            let isClear = try await eventually {
                let size = try await service.get("/queue/size").json()
                return size["size"]?.integer == 0 && size["dead"]?.integer == 500
            }
            #expect(isClear)
            // No hot loop is left behind: another second of waiting costs next to nothing.
            let before = try service.processorSeconds
            #expect(try await service.dequeue(wait: "1s") == nil)
            #expect(try service.processorSeconds - before < 0.5, "\(before - seconds)")
        }
    }

    @Test("of the newer kind keep JSON, names that stand twice and empty values")
    func kept() async throws {
        try await withService { service, redis in
            try await redis.cli(
                "XADD",
                "frames:queue",
                "*",
                "frame_id",
                "y",
                "n",
                "1.10",
                "_json",
                "n",
                "e",
                "",
                "a",
                "1",
                "a",
                "2"
            )
            var frame = try #require(try await service.dequeue())
            frame["_traceparent"] = nil
            #expect(frame == ["frame_id": .string("y"), "n": .number("1.10"), "e": .string(""), "a": .string("2")])
        }
    }
}

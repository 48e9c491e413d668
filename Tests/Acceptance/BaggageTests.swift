import RedisTesting
import Testing

/// What applications pass along with a frame's trace, through the service as a whole.
@Suite("The baggage that a request or a frame brings")
struct BaggageTests {
    private static let traceparent = TraceTests.traceparent
    private static let header = [("traceparent", traceparent)]

    /// A request, and what of its baggage is to be found in the entry and in the reply's frame.
    private struct Case {
        let what: String
        var headers: [(String, String)] = []
        var members = ""
        var passedOn: String?
    }

    private static let cases = [
        Case(what: "none", headers: header),
        Case(what: "in the header", headers: header + [("baggage", "a=1;p, b = 2")], passedOn: "a=1;p,b=2"),
        Case(
            what: "in several headers",
            headers: header + [("baggage", "a=1"), ("Baggage", "b=2,c=3")],
            passedOn: "a=1,b=2,c=3"
        ),
        Case(what: "in the header of a new trace", headers: [("baggage", "a=1")], passedOn: "a=1"),
        Case(
            what: "beside a malformed traceparent",
            headers: [("traceparent", "00-x"), ("baggage", "a=1")],
            passedOn: "a=1"
        ),
        Case(what: "malformed", headers: header + [("baggage", "what is this?")]),
        Case(what: "malformed in part", headers: header + [("baggage", "a=1,=2,b,c=\"3\",d=4")], passedOn: "a=1,d=4"),
        Case(what: "in the frame", members: #""_traceparent":"\#(traceparent)","_baggage":"a=1""#, passedOn: "a=1"),
        Case(what: "in the frame alone", members: #""_baggage":"a=1, b=2""#, passedOn: "a=1,b=2"),
        Case(what: "malformed in the frame", members: #""_traceparent":"\#(traceparent)","_baggage":"x""#),
        Case(
            what: "beside the frame's own traceparent",
            members: #""traceparent":"\#(traceparent)","baggage":"a=1""#,
            passedOn: "a=1"
        ),
        Case(
            what: "in its trace_context",
            members: #""trace_context":{"traceparent":"\#(traceparent)","baggage":"a=1"}"#,
            passedOn: "a=1"
        ),
        // It comes from where the context came from.
        Case(
            what: "in the frame, whose context the header's overrules",
            headers: header + [("baggage", "a=1")],
            members: #""_traceparent":"\#(TraceContextTests.other)","_baggage":"b=2""#,
            passedOn: "a=1"
        ),
        Case(
            what: "in the frame only, while the context is the header's",
            headers: header,
            members: #""_traceparent":"\#(TraceContextTests.other)","_baggage":"b=2""#
        ),
        Case(
            what: "in the header only, while the context is the frame's",
            headers: [("baggage", "a=1")],
            members: #""_traceparent":"\#(traceparent)""#
        ),
        // A producer's own field is baggage only beside a context.
        Case(what: "a field of the producer's own", members: #""baggage":"a=1""#),
    ]

    @Test("Baggage passes through entry and reply; what is malformed of it is dropped, and nothing else with it")
    func baggage() async throws {
        let traced = try await TracedService()
        for test in Self.cases {
            let members = test.members.isEmpty ? "" : "," + test.members
            let reply = try await traced.service.enqueue(#"{"frame_id":"f"\#(members)}"#, headers: test.headers)
            #expect(reply.status == 200, "\(test.what)")
            let entry = try await traced.lastEntry()
            #expect(entry["_baggage"] == test.passedOn, "\(test.what)")
            #expect(Traceparent(entry["_traceparent"]) != nil, "\(test.what)")
            let id = try #require(try reply.json()["message_id"]?.string)
            let seen = try await traced.service.get("/frames/\(id)").json()["frame"]
            #expect(seen?["_baggage"]?.string == test.passedOn, "\(test.what)")
            let frame = try #require(try await traced.service.dequeue())
            #expect(frame["_baggage"]?.string == test.passedOn, "\(test.what)")
        }
        _ = try await traced.finish()
    }

    @Test(
        "OTEL_PROPAGATORS says what is read and passed on",
        arguments: [("tracecontext", true, false), ("baggage", false, true), ("none", false, false)]
    )
    func propagators(_ names: String, goesOn: Bool, hasBaggage: Bool) async throws {
        let traced = try await TracedService(["OTEL_PROPAGATORS": names])
        let reply = try await traced.service.enqueue(#"{"n":1}"#, headers: Self.header + [("baggage", "a=1")])
        #expect(reply.status == 200)
        #expect((reply.header("traceparent") != nil) == goesOn)
        let entry = try await traced.lastEntry()
        #expect((Traceparent(entry["_traceparent"])?.traceID == Traceparent(Self.traceparent)?.traceID) == goesOn)
        #expect((entry["_baggage"] == "a=1") == hasBaggage)
        _ = try await traced.finish()
    }

    @Test("An entry's baggage reaches its reader: what is valid of it, with a context beside it or without")
    func foreignEntries() async throws {
        try await withService { service, redis in
            try await redis.cli("XADD", "frames:queue", "*", "_traceparent", Self.traceparent, "_baggage", "a = 1,b")
            try await redis.cli("XADD", "frames:queue", "*", "n", "1", "_baggage", "a=1")
            try await redis.cli("XADD", "frames:queue", "*", "n", "1", "_baggage", "")
            var baggage: [JSON?] = []
            for _ in 1...3 { baggage.append(try #require(try await service.dequeue())["_baggage"]) }
            #expect(baggage == [.string("a=1"), .string("a=1"), nil])
        }
    }

    @Test("Every frame of a batch has the request's baggage, unless its context is its own")
    func batch() async throws {
        try await withService { service, _ in
            let reply = try await service.enqueue(
                #"[{"n":1},{"n":2,"_traceparent":"\#(Self.traceparent)","_baggage":"b=2"},{"n":3}]"#,
                headers: [("baggage", "a=1")]
            )
            #expect(reply.status == 200)
            var baggage: [JSON?] = []
            for _ in 1...3 { baggage.append(try #require(try await service.dequeue())["_baggage"]) }
            #expect(baggage == [.string("a=1"), .string("b=2"), .string("a=1")])
        }
    }

    @Test("With OTEL_SDK_DISABLED=true baggage is passed on all the same")
    func disabled() async throws {
        let traced = try await TracedService(["OTEL_SDK_DISABLED": "true"])
        let reply = try await traced.service.enqueue(#"{"frame_id":"f"}"#, headers: [("baggage", "a=1")])
        #expect(try reply.json()["trace_id"] == .null)
        #expect(reply.header("traceparent") == nil)
        #expect(try await traced.lastEntry() == ["frame_id": "f", "_baggage": "a=1"])
        let frame = try #require(try await traced.service.dequeue())
        #expect(frame == ["frame_id": .string("f"), "_baggage": .string("a=1")])
        _ = try await traced.finish()
    }
}

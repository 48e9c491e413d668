import RedisTesting
import Testing

/// The context that a request or a frame brings, through the service as a whole.
@Suite("The trace context that a request or a frame brings")
struct TraceContextTests {
    private static let trace = TraceTests.trace
    private static let caller = TraceTests.caller
    private static let traceparent = TraceTests.traceparent
    static let other = "00-33333333333333333333333333333333-4444444444444444-01"

    // MARK: In the header

    /// A request's trace headers, and what is to become of them.
    private struct Header {
        let what: String
        let lines: [String]
        /// The trace that goes on; nil: a new one.
        var trace: String?
        var flags: UInt8 = 1
    }

    private static let digits = "12345678901234567890123456789012"

    /// Case C13, and what else the specification's "Versioning" and grammar say.
    private static let headers: [Header] = [
        Header(what: "as it should be", lines: ["traceparent: \(traceparent)"], trace: trace),
        Header(what: "the name in capitals", lines: ["TRACEPARENT: \(traceparent)"], trace: trace),
        Header(what: "ids of digits only", lines: ["traceparent: 00-\(digits)-1234567890123456-01"], trace: digits),
        Header(what: "capitals in the trace id", lines: ["traceparent: 00-\(trace.uppercased())-\(caller)-01"]),
        Header(what: "capitals in the span id", lines: ["traceparent: 00-\(trace)-\(caller.uppercased())-01"]),
        Header(what: "a trace id of zeros", lines: ["traceparent: 00-\(zeros(32))-\(caller)-01"]),
        Header(what: "a span id of zeros", lines: ["traceparent: 00-\(trace)-\(zeros(16))-01"]),
        Header(what: "version ff", lines: ["traceparent: ff-\(trace)-\(caller)-01"]),
        Header(what: "version 00 with more", lines: ["traceparent: \(traceparent)-x"]),
        Header(what: "a later version with more", lines: ["traceparent: 01-\(trace)-\(caller)-01-x"], trace: trace),
        Header(what: "a later version", lines: ["traceparent: cc-\(trace)-\(caller)-01"], trace: trace),
        Header(what: "a later version with a dot", lines: ["traceparent: cc-\(trace)-\(caller)-01."]),
        Header(what: "blanks and tabs around it", lines: ["traceparent: \t \(traceparent) \t "], trace: trace),
        Header(what: "flags 03", lines: ["traceparent: 00-\(trace)-\(caller)-03"], trace: trace, flags: 3),
        Header(what: "flags ff", lines: ["traceparent: 00-\(trace)-\(caller)-ff"], trace: trace, flags: 3),
        Header(what: "flags that are no number", lines: ["traceparent: 00-\(trace)-\(caller)-0g"]),
        Header(what: "too short", lines: ["traceparent: 00-\(trace)-\(caller)-1"]),
        Header(what: "empty", lines: ["traceparent:"]),
        Header(what: "two headers", lines: ["traceparent: \(traceparent)", "traceparent: \(other)"]),
        Header(what: "bytes that are no text", lines: ["traceparent: \u{FF}\u{0130}"]),
    ]

    private static func zeros(_ count: Int) -> String { String(repeating: "0", count: count) }

    @Test("A sound traceparent header goes on; a malformed one is as good as absent, with its tracestate, and no error")
    func header() async throws {
        let traced = try await TracedService()
        var replies: [(header: Header, reply: Reply, entry: [String: String])] = []
        for header in Self.headers {
            let lines = header.lines + ["tracestate: vendor=1"]
            let reply = try await post(#"{"frame_id":"f"}"#, lines, to: traced.service.port)
            replies.append((header, reply, try await traced.lastEntry()))
        }
        let spans = try await traced.finish()
        #expect(Set(replies.compactMap { $0.entry["_traceparent"] }).count == Self.headers.count)
        for (header, reply, entry) in replies {
            #expect(reply.status == 200, "\(header.what)")
            let stored = try #require(Traceparent(entry["_traceparent"]), "\(header.what)")
            #expect(reply.header("traceparent") == entry["_traceparent"], "\(header.what)")
            #expect(try reply.json()["trace_id"] == .string(stored.traceID), "\(header.what)")
            let producer = try spans.only(.producer, spanID: stored.spanID)
            let server = try spans.only(.server, spanID: producer.parentID)
            if let trace = header.trace {
                #expect(stored.traceID == trace, "\(header.what)")
                #expect(stored.flags == header.flags, "\(header.what)")
                #expect(server.parentID != "" && server.parentID != stored.spanID, "\(header.what)")
                #expect(server.hasRemoteParent, "\(header.what)")
                #expect(entry["_tracestate"] == "vendor=1", "\(header.what)")
                #expect(producer.traceState == "vendor=1", "\(header.what)")
            } else {
                #expect(stored.traceID.lowercased() != Self.trace && stored.traceID != Self.digits, "\(header.what)")
                #expect(stored.isSampled && stored.flags <= 3, "\(header.what)")
                #expect(server.parentID == "", "\(header.what)")
                #expect(entry["_tracestate"] == nil, "\(header.what)")
                #expect(producer.traceState == "", "\(header.what)")
            }
        }
    }

    @Test("A tracestate passes through entry, spans and reply; a malformed one is dropped, and nothing else with it")
    func tracestate() async throws {
        let cases: [(lines: [String], passedOn: String?)] = [
            (["rojo=00f067aa0ba902b7,congo=t61rcWkgMzE"], "rojo=00f067aa0ba902b7,congo=t61rcWkgMzE"),
            (["tenant@vendor=a b c"], "tenant@vendor=a b c"),
            // Two fields are one list, in their order.
            (["a=1", "b=2"], "a=1,b=2"),
            (["Capital=1"], nil),
            (["a"], nil),
            (["a=1,=2"], nil),
            ([(1...33).map { "k\($0)=1" }.joined(separator: ",")], nil),
        ]
        let traced = try await TracedService()
        for (lines, passedOn) in cases {
            let headers = ["traceparent: \(Self.traceparent)"] + lines.map { "tracestate: \($0)" }
            let reply = try await post(#"{"frame_id":"f"}"#, headers, to: traced.service.port)
            #expect(reply.status == 200, "\(lines)")
            let entry = try await traced.lastEntry()
            #expect(Traceparent(entry["_traceparent"])?.traceID == Self.trace, "\(lines)")
            #expect(entry["_tracestate"] == passedOn, "\(lines)")
            let frame = try #require(try await traced.service.dequeue())
            #expect(frame["_tracestate"]?.string == passedOn, "\(lines)")
            #expect(Traceparent(frame["_traceparent"]?.string)?.traceID == Self.trace, "\(lines)")
        }
        let spans = try await traced.finish()
        for (lines, passedOn) in cases {
            let those = spans.filter { $0.traceID == Self.trace && $0.traceState == passedOn ?? "" }
            #expect(Set(those.map(\.kind)) == [.server, .producer, .consumer], "\(lines)")
        }
    }

    // MARK: In the frame

    @Test(
        "A context in the frame is the parent of its PRODUCER span, which then links to the SERVER span",
        arguments: [
            #""_traceparent":"\#(TraceTests.traceparent)","_tracestate":"v=1""#,
            #""traceparent":"\#(TraceTests.traceparent)","tracestate":"v=1""#,
            #""trace_context":{"traceparent":"\#(TraceTests.traceparent)","tracestate":"v=1"}"#,
            #""trace_context":{"trace_id":"\#(TraceTests.trace)","span_id":"\#(TraceTests.caller)","tracestate":"v=1"}"#,
            // What is malformed counts as absent, and what is nearer to the service goes before.
            #""_traceparent":"no","traceparent":"\#(TraceTests.traceparent)","tracestate":"v=1""#,
            #""_traceparent":"\#(TraceTests.traceparent)","_tracestate":"v=1","traceparent":"\#(other)""#,
            #""traceparent":"\#(TraceTests.traceparent)","tracestate":"v=1","trace_context":{"traceparent":"\#(other)"}"#,
        ]
    )
    func inFrame(members: String) async throws {
        let traced = try await TracedService()
        let reply = try await traced.service.enqueue(#"{"frame_id":"f1",\#(members)}"#)
        let entry = try await traced.lastEntry()
        let spans = try await traced.finish()
        let server = try spans.only(.server)
        let producer = try spans.only(.producer)
        #expect(server.parentID == "")
        #expect(producer.traceID == Self.trace)
        #expect(producer.parentID == Self.caller)
        #expect(producer.hasRemoteParent)
        #expect(producer.links == [server.link])
        #expect(producer.traceState == "v=1")
        #expect(entry["_traceparent"] == producer.traceparent)
        #expect(entry["_tracestate"] == "v=1")
        #expect(reply.header("traceparent") == producer.traceparent)
        #expect(try reply.json()["trace_id"] == .string(Self.trace))
    }

    @Test("The header wins over the frame, whose context the PRODUCER span then links to")
    func headerWins() async throws {
        let traced = try await TracedService()
        let reply = try await traced.service.enqueue(
            #"{"frame_id":"f1","_traceparent":"\#(Self.other)","_tracestate":"v=1"}"#,
            headers: [("traceparent", Self.traceparent)]
        )
        let entry = try await traced.lastEntry()
        let spans = try await traced.finish()
        let server = try spans.only(.server)
        let producer = try spans.only(.producer)
        #expect(server.parentID == Self.caller)
        #expect(producer.traceID == Self.trace)
        #expect(producer.parentID == server.spanID)
        #expect(producer.links == [.init(traceID: "33333333333333333333333333333333", spanID: "4444444444444444")])
        #expect(entry["_traceparent"] == producer.traceparent)
        // It comes from where the context came from.
        #expect(entry["_tracestate"] == nil)
        #expect(try reply.json()["trace_id"] == .string(Self.trace))
    }

    @Test("A malformed header leaves the word to the frame; where that is malformed too, the trace starts anew")
    func malformedEverywhere() async throws {
        let traced = try await TracedService()
        let bad = [("traceparent", "00-x")]
        _ = try await traced.service.enqueue(
            #"{"frame_id":"f1","traceparent":"\#(Self.traceparent)"}"#,
            headers: bad
        )
        let text = #"{"frame_id":"f2","traceparent":"00-","trace_context":{"trace_id":"12","span_id":null,"n":1.0}}"#
        let reply = try await traced.service.enqueue(text, headers: bad)
        #expect(reply.status == 200)
        let odd = try await traced.service.enqueue(#"{"frame_id":"f3","traceparent":7,"trace_context":"none"}"#)
        #expect(odd.status == 200)
        var frames: [[String: JSON]] = []
        for _ in 1...3 { frames.append(try #require(try await traced.service.dequeue())) }
        let spans = try await traced.finish()
        #expect(try spans.only(.producer, frame: "f1").parentID == Self.caller)
        for frame in ["f2", "f3"] {
            let producer = try spans.only(.producer, frame: frame)
            #expect(producer.links == [])
            #expect(producer.traceID != Self.trace)
            #expect(try spans.only(.server, spanID: producer.parentID).parentID == "")
        }
        // What is no context is a field like others.
        #expect(frames[1]["traceparent"] == .string("00-"))
        #expect(frames[1]["trace_context"] == (try JSON(#"{"trace_id":"12","span_id":null,"n":1.0}"#)))
        #expect(frames[2]["traceparent"] == .number("7"))
        #expect(frames[2]["trace_context"] == .string("none"))
    }

    @Test("A frame's own traceparent and trace_context are rewritten with the context, in the entry and in the reply")
    func rewritten() async throws {
        let traced = try await TracedService()
        let ids = #""trace_id":"\#(Self.trace)","note":[1.0],"span_id":"\#(Self.caller)""#
        let context = #"{\#(ids),"traceparent":"\#(Self.traceparent)"}"#
        _ = try await traced.service.enqueue(
            #"{"frame_id":"f1","traceparent":"\#(Self.traceparent)","trace_context":\#(context)}"#
        )
        let entry = try await traced.lastEntry()
        let frame = try #require(try await traced.service.dequeue())
        let spans = try await traced.finish()

        func expect(_ fields: (traceparent: JSON?, context: JSON?), _ span: ExportedSpan) {
            #expect(fields.traceparent == .string(span.traceparent))
            #expect(
                fields.context
                    == .object([
                        "trace_id": .string(span.traceID), "span_id": .string(span.spanID),
                        "traceparent": .string(span.traceparent), "note": .array([.number("1.0")]),
                    ])
            )
        }
        let stored = try JSON(try #require(entry["trace_context"]))
        expect((entry["traceparent"].map { .string($0) }, stored), try spans.only(.producer))
        expect((frame["traceparent"], frame["trace_context"]), try spans.only(.consumer))
    }

    // MARK: Not sampled

    @Test("An unsampled caller's trace goes on unsampled: the same trace id, the sampled bit 0, and no spans")
    func unsampled() async throws {
        let traced = try await TracedService()
        let headers = [("traceparent", "00-\(Self.trace)-\(Self.caller)-00"), ("tracestate", "v=1")]
        let reply = try await traced.service.enqueue(#"{"frame_id":"f1"}"#, headers: headers)
        let entry = try await traced.lastEntry()
        let polled = try await traced.service.get("/dequeue", headers: headers)
        let frame = try polled.json()["frame"]
        let spans = try await traced.finish()
        #expect(spans.isEmpty)
        let all = [
            reply.header("traceparent"), entry["_traceparent"], polled.header("traceparent"),
            frame?["_traceparent"]?.string,
        ]
        for text in all {
            let context = try #require(Traceparent(text))
            #expect(context.traceID == Self.trace)
            #expect(context.spanID != Self.caller)
            #expect(!context.isSampled)
        }
        #expect(entry["_tracestate"] == "v=1")
        #expect(try reply.json()["trace_id"] == .string(Self.trace))
        #expect(try polled.json()["trace_id"] == .string(Self.trace))
    }

    /// A sampler, and whether it samples a trace of its own, and those of callers that do not and that do.
    struct Sampling: Sendable {
        let sampler: String
        var argument: String?
        let new: Bool
        let unsampled: Bool
        let sampled: Bool
    }

    @Test(
        "OTEL_TRACES_SAMPLER decides which spans are sent, and a frame has a valid context whatever it decides",
        arguments: [
            Sampling(sampler: "always_off", new: false, unsampled: false, sampled: false),
            Sampling(sampler: "always_on", new: true, unsampled: true, sampled: true),
            Sampling(sampler: "parentbased_always_off", new: false, unsampled: false, sampled: true),
            Sampling(sampler: "parentbased_traceidratio", argument: "0", new: false, unsampled: false, sampled: true),
            Sampling(sampler: "traceidratio", argument: "1", new: true, unsampled: true, sampled: true),
        ]
    )
    func samplers(_ sampling: Sampling) async throws {
        var environment = ["OTEL_TRACES_SAMPLER": sampling.sampler]
        environment["OTEL_TRACES_SAMPLER_ARG"] = sampling.argument
        let traced = try await TracedService(environment)
        let callers: [(frame: String, flags: String?, isSampled: Bool)] = [
            ("new", nil, sampling.new), ("unsampled", "00", sampling.unsampled), ("sampled", "01", sampling.sampled),
        ]
        for (id, flags, isSampled) in callers {
            let headers = flags.map { [("traceparent", "00-\(Self.trace)-\(Self.caller)-\($0)")] } ?? []
            let reply = try await traced.service.enqueue(#"{"frame_id":"\#(id)"}"#, headers: headers)
            let stored = try #require(Traceparent(try await traced.lastEntry()["_traceparent"]), "\(id)")
            let polled = try await traced.service.get("/dequeue", headers: headers)
            let passedOn = try #require(Traceparent(try polled.json()["frame"]?["_traceparent"]?.string), "\(id)")
            #expect(reply.header("traceparent").flatMap { Traceparent($0) } == stored, "\(id)")
            #expect(passedOn.traceID == stored.traceID, "\(id)")
            #expect((stored.traceID == Self.trace) == (flags != nil), "\(id)")
            #expect(stored.isSampled == isSampled && passedOn.isSampled == isSampled, "\(id)")
        }
        let spans = try await traced.finish()
        for (id, _, isSampled) in callers {
            let frames = spans.filter { $0.attributes["frame.id"] == .string(id) }
            #expect(frames.count == (isSampled ? 2 : 0), "\(id)")
        }
        #expect(spans.count == 4 * callers.count { $0.isSampled })
    }

    // MARK: Switched off

    @Test("With OTEL_SDK_DISABLED=true a caller's context is passed on as it came, none is made, and nothing is sent")
    func disabled() async throws {
        let traced = try await TracedService(["OTEL_SDK_DISABLED": "true"])
        let service = traced.service

        let headers = [("traceparent", Self.traceparent), ("tracestate", "v=1")]
        let brought = try await service.enqueue(#"{"frame_id":"f1"}"#, headers: headers)
        #expect(try brought.json()["trace_id"] == .string(Self.trace))
        #expect(brought.header("traceparent") == Self.traceparent)
        var entry = try await traced.lastEntry()
        #expect(entry["_traceparent"] == Self.traceparent)
        #expect(entry["_tracestate"] == "v=1")
        let polled = try await service.get("/dequeue")
        #expect(try polled.json()["trace_id"] == .string(Self.trace))
        #expect(try polled.json()["frame"]?["_traceparent"] == .string(Self.traceparent))
        #expect(try polled.json()["frame"]?["_tracestate"] == .string("v=1"))
        #expect(polled.header("traceparent") == Self.traceparent)

        let none = try await service.enqueue(#"{"frame_id":"f2"}"#)
        #expect(try none.json()["trace_id"] == .null)
        #expect(none.header("traceparent") == nil)
        entry = try await traced.lastEntry()
        #expect(entry["frame_id"] == "f2")
        #expect(entry["_traceparent"] == nil)
        let unknown = try await service.get("/dequeue")
        #expect(try unknown.json()["frame"] == .object(["frame_id": .string("f2")]))
        #expect(try unknown.json()["trace_id"] == .null)
        #expect(unknown.header("traceparent") == nil)

        let carried = try await service.enqueue(#"{"frame_id":"f3","_traceparent":"\#(Self.traceparent)"}"#)
        #expect(try carried.json()["trace_id"] == .string(Self.trace))
        #expect(try await traced.lastEntry()["_traceparent"] == Self.traceparent)

        #expect(try await service.get("/health").json()["checks"]?["tracing"]?["status"] == .string("healthy"))
        let spans = try await traced.finish()
        #expect(spans.isEmpty)
        let stats = try await traced.receiver.stats()
        #expect(stats.arrivals.isEmpty)
    }

    /// `POST /enqueue` with header lines as they are, which no client library would send.
    private func post(_ body: String, _ lines: [String], to port: Int) async throws -> Reply {
        let head =
            ["POST /enqueue HTTP/1.1", "Host: 127.0.0.1", "Content-Type: application/json"] + lines
            + ["Content-Length: \(body.utf8.count)", "", ""]
        return try await RawConnection.blocking {
            let connection = try RawConnection(port: port)
            defer { connection.close() }
            try connection.send(head.joined(separator: "\r\n") + body)
            return try #require(try connection.response())
        }
    }
}

import Foundation
import RedisTesting
import Testing

/// Producers and workers in Python, with redis-py, requests and OpenTelemetry's own packages, before and behind the service.
@Suite("Python programs")
struct PythonTests {
    private static let caller = Traceparent(TraceTests.traceparent)
    /// What the programs' spans begin under: sampled, and without the random flag, which Python sets in traces of its own.
    private static let context = [
        "TRACEPARENT": TraceTests.traceparent, "TRACESTATE": "vendor=1", "BAGGAGE": baggage,
    ]
    /// As Python writes it.
    private static let baggage = "site=%C5%81%C3%B3d%C5%BA+1"
    private static let site = JSON.object(["site": .string("Łódź 1")])

    // MARK: Over Redis

    @Test(
        "A frame that redis-py wrote, its context injected under _traceparent, is handed out whole and in its producer's trace",
        arguments: [context, [:]]
    )
    func producer(context: [String: String]) async throws {
        let traced = try await TracedService()
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent(
            "fb-python-\(UInt32.random(in: 0 ... .max))"
        )
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        try await TestPython.run("make_jpegs.py", [folder.path, "1", "1"])
        let picture = folder.appendingPathComponent("0001.jpg")
        let frame = """
            {"frame_id":"f1","camera_id":"cam01","żółw":"zażółć \\"gęślą\\"\\n","objects":"[{\\"label\\": \\"cat\\"}]",\
            "content_type":"image/jpeg","data":"@\(picture.path)"}
            """
        try await traced.python("enqueue", traced.redis.url, frame, context: context)
        let id = try await traced.redis.cli("XREVRANGE", "frames:queue", "+", "-", "COUNT", "1").prefix { $0 != "\n" }
        let field = try await traced.redis.bytes(of: "_traceparent", in: String(id))
        let stored = try #require(Traceparent(String(decoding: field, as: UTF8.self)))
        let reply = try await traced.service.get("/dequeue")
        let spans = try await traced.finish()

        let capture = try spans.only(.producer, frame: "f1", name: "capture")
        let server = try spans.only(.server)
        let consumer = try spans.only(.consumer, frame: "f1")
        #expect(capture.resource["telemetry.sdk.language"] == "python")
        #expect(stored.spanID == capture.spanID)
        #expect(consumer.traceID == capture.traceID)
        #expect(consumer.parentID == capture.spanID)
        #expect(consumer.hasRemoteParent)
        #expect(consumer.links == [server.link])
        #expect(consumer.traceState == context["TRACESTATE"] ?? "")
        #expect(capture.traceState == consumer.traceState)
        // The random flag is whose trace it is to set; both take it over as it is.
        #expect(stored.flags == (context.isEmpty ? 3 : 1))
        #expect(UInt8(consumer.flags & 0xFF) == stored.flags)
        if !context.isEmpty { #expect(capture.parentID == Self.caller?.spanID) }

        var expected: [String: JSON] = [
            "frame_id": .string("f1"), "camera_id": .string("cam01"), "żółw": .string("zażółć \"gęślą\"\n"),
            "objects": .string(#"[{"label": "cat"}]"#), "content_type": .string("image/jpeg"),
            "data": .string(try Data(contentsOf: picture).base64EncodedString()), "data_encoding": .string("base64"),
            "_traceparent": .string(consumer.traceparent),
        ]
        expected["_tracestate"] = context["TRACESTATE"].map { .string($0) }
        expected["_baggage"] = context["BAGGAGE"].map { .string($0) }
        #expect(try reply.json()["frame"] == .object(expected))
        #expect(try reply.json()["trace_id"] == .string(capture.traceID))
        #expect(reply.header("traceparent") == consumer.traceparent)
    }

    @Test("A consumer group of redis-py's own gets every frame, in the frame's trace, and so do our workers")
    func reader() async throws {
        let traced = try await TracedService()
        try await traced.python("post", traced.service.url, #"{"frame_id":"f1","n":[1.0]}"#, context: Self.context)
        _ = try await traced.service.enqueue(#"{"frame_id":"f2"}"#)
        let read = try await traced.python("read", traced.redis.url, "recorders")
        let tail = try await traced.python("look", traced.service.url, "/tail?after=0&count=10")
        let frames = try await traced.python("look", traced.service.url, "/frames")
        #expect(try await traced.redis.cli("XPENDING", "frames:queue", "recorders").hasPrefix("0"))
        for id in ["f1", "f2"] { #expect(try await traced.service.dequeue()?["frame_id"] == .string(id)) }
        let isEmpty = try await eventually { try await traced.redis.cli("XLEN", "frames:queue") == "0" }
        #expect(isEmpty)
        let spans = try await traced.finish()

        try #require(read.count == 2 && tail.count == 2 && frames.count == 2)
        for (index, id) in ["f1", "f2"].enumerated() {
            let producer = try spans.only(.producer, frame: id, name: "enqueue frames:queue")
            #expect(read[index]["frame"]?["frame_id"] == .string(id))
            #expect(read[index]["frame"]?["_traceparent"] == .string(producer.traceparent))
            let process = try spans.only(.consumer, frame: id, name: "process")
            #expect(read[index]["span_id"] == .string(process.spanID))
            let looks = [tail[index], frames[index]].compactMap { $0["span_id"]?.string }
            #expect(looks.count == 2)
            for span in [process] + (try looks.map { try spans.only(.internal, spanID: $0) }) {
                #expect(span.traceID == producer.traceID)
                #expect(span.parentID == producer.spanID)
                #expect(span.hasRemoteParent)
                #expect(span.traceState == producer.traceState)
            }
            for told in [read[index], tail[index], frames[index]] {
                #expect(told["flags"]?.integer == Int(producer.flags & 0xFF))
                #expect(told["baggage"] == (index == 0 ? Self.site : .object([:])))
                #expect(told["tracestate"] == .string(index == 0 ? "vendor=1" : ""))
            }
        }
        #expect(read[0]["frame"]?["n"] == .string("[1.0]"))
        #expect(tail[0]["frame"]?["n"] == .array([.number("1.0")]))
    }

    // MARK: Over HTTP

    @Test(
        "From a producer in Python through the service to a worker in Python a frame is one trace, each span under the last"
    )
    func wholeWay() async throws {
        let traced = try await TracedService()
        try await traced.python("post", traced.service.url, #"{"frame_id":"f1"}"#, context: Self.context)
        let told = try await traced.python("work", traced.service.url, "1")
        let size = try await traced.service.get("/queue/size").json()
        #expect(size["size"]?.integer == 0)
        let spans = try await traced.finish()

        let capture = try spans.only(.client, frame: "f1", name: "capture")
        let posted = try spans.only(.server, name: "POST /enqueue")
        let producer = try spans.only(.producer)
        let consumer = try spans.only(.consumer, name: "dequeue frames:queue")
        let process = try spans.only(.consumer, name: "process")
        let acked = try spans.only(.server, name: "POST /ack")
        let ack = try spans.only(.client, name: "ack frames:queue")
        let chain = [capture, posted, producer, consumer, process, acked, ack]
        #expect(capture.parentID == Self.caller?.spanID)
        for (parent, child) in zip(chain, chain.dropFirst()) {
            #expect(child.parentID == parent.spanID, "\(child.name) under \(parent.name)")
        }
        for span in chain {
            #expect(span.traceID == Self.caller?.traceID, "\(span.name)")
            #expect(span.traceState == "vendor=1", "\(span.name)")
        }
        let polled = try spans.only(.server, name: "GET /dequeue")
        #expect(polled.parentID == "")
        #expect(consumer.links == [polled.link])
        #expect(ack.links == [producer.link])
        #expect(spans.count == chain.count + 1)
        #expect(told.first?["baggage"] == Self.site)
    }

    @Test("A worker in Python that takes the payload alone goes on with the response's traceparent header")
    func header() async throws {
        let traced = try await TracedService()
        let payload: [UInt8] = [0xFF, 0xD8, 0, 0xFF]
        let reply = try await traced.service.upload(payload, type: "image/jpeg", query: "?frame_id=f1")
        #expect(reply.status == 200)
        let told = try await traced.python("picture", traced.service.url)
        let spans = try await traced.finish()
        let consumer = try spans.only(.consumer, frame: "f1")
        let process = try spans.only(.consumer, name: "process")
        #expect(process.traceID == consumer.traceID)
        #expect(process.parentID == consumer.spanID)
        #expect(told.first?["frame"] == .object(["data": .string("ffd800ff")]))
    }

    // MARK: As the guide has it

    @Test(
        "What the guide's own code writes, before there is any group, comes in order, and the context that it has is continued"
    )
    func guide() async throws {
        let redis = try await RedisServer()
        let receiver = try await OTLPReceiver()
        let plain = [
            #"{"frame_id":42,"camera_id":7,"score":0.25,"width":1920}"#,
            #"{"camera_id":"cam01"}"#,
            #"{"frame_id":"f3","_traceparent":"garbage","_tracestate":"vendor=1"}"#,
        ]
        try await receiver.python(["xadd", redis.url] + plain)
        try await receiver.python(["enqueue-plainly", redis.url, #"{"frame_id":"f4"}"#], context: Self.context)
        try await receiver.python(["enqueue-metadata", redis.url, #"{"frame_id":"f5"}"#], context: Self.context)
        let traced = try await TracedService(redis: redis, receiver: receiver)
        var frames: [[String: JSON]] = []
        for _ in 1...5 { frames.append(try #require(try await traced.service.dequeue())) }
        let spans = try await traced.finish()

        let consumers = spans.filter { $0.kind == .consumer }.sorted { $0.start < $1.start }
        try #require(consumers.count == 5)
        for (index, consumer) in consumers.enumerated() {
            #expect(frames[index]["_traceparent"] == .string(consumer.traceparent))
            #expect((consumer.parentID == "") == (index < 3))
        }
        let others = frames.map { $0.filter { $0.key != "_traceparent" } }
        #expect(
            others[0] == [
                "frame_id": .string("42"), "camera_id": .string("7"), "score": .string("0.25"),
                "width": .string("1920"),
            ]
        )
        #expect(others[1] == ["camera_id": .string("cam01")])
        #expect(others[2] == ["frame_id": .string("f3")])

        for index in 3...4 {
            let capture = try spans.only(.producer, frame: "f\(index + 1)")
            #expect(consumers[index].traceID == capture.traceID)
            #expect(consumers[index].parentID == capture.spanID)
            #expect(consumers[index].traceState == "vendor=1")
            #expect(frames[index]["_baggage"] == .string(Self.baggage))
        }
        // What they say goes on with the frame. Text it was, and text it stays.
        #expect(frames[3]["traceparent"] == .string(consumers[3].traceparent))
        #expect(
            try JSON(try #require(frames[4]["trace_context"]?.string))
                == .object([
                    "trace_id": .string(consumers[4].traceID), "span_id": .string(consumers[4].spanID),
                    "traceparent": .string(consumers[4].traceparent), "tracestate": .string("vendor=1"),
                    "baggage": .string(Self.baggage),
                ])
        )
    }

    @Test("What Python does not sample we don't either, over Redis and HTTP, and its trace goes on all the same")
    func unsampled() async throws {
        let traced = try await TracedService()
        let context = ["TRACEPARENT": "00-\(TraceTests.trace)-\(TraceTests.caller)-00"]
        try await traced.python("enqueue", traced.redis.url, #"{"frame_id":"f1"}"#, context: context)
        try await traced.python("post", traced.service.url, #"{"frame_id":"f2"}"#, context: context)
        let told = try await traced.python("work", traced.service.url, "2")
        try #require(told.count == 2)
        for (index, id) in ["f1", "f2"].enumerated() {
            #expect(told[index]["frame"]?["frame_id"] == .string(id))
            #expect(told[index]["trace_id"] == .string(TraceTests.trace))
            #expect(told[index]["flags"]?.integer == 0)
        }
        // The polls are not part of it: nobody said that they aren't to be sampled.
        #expect(try await traced.finish().map(\.name) == ["GET /dequeue", "GET /dequeue"])
    }

    // MARK: In words

    @Test("The guide for Python programs shows the code of these tests, word for word")
    func excerpts() throws {
        func blocks(_ file: String, from begin: String, to end: String) throws -> [String] {
            let text = try String(contentsOf: TestPython.root.appendingPathComponent(file), encoding: .utf8)
            return text.components(separatedBy: "\n\(begin)\n").dropFirst().compactMap {
                $0.components(separatedBy: "\n\(end)\n").first
            }
        }
        let shown = try blocks("Sources/framebuffer/framebuffer.docc/PythonPrograms.md", from: "```python", to: "```")
        #expect(shown.count == 5)
        #expect(shown == (try blocks("Tests/Acceptance/Support/python_program.py", from: "# begin", to: "# end")))
    }
}

extension TracedService {
    /// Runs `python_program.py`, whose spans go where the service's go; returns what it told.
    @discardableResult
    fileprivate func python(_ arguments: String..., context: [String: String] = [:]) async throws -> [JSON] {
        try await receiver.python(arguments, context: context)
    }
}

extension OTLPReceiver {
    /// Runs `python_program.py`, whose spans come here; returns what it told.
    @discardableResult
    fileprivate func python(_ arguments: [String], context: [String: String] = [:]) async throws -> [JSON] {
        let environment = environment.merging(["OTEL_SERVICE_NAME": "python"]) { $1 }.merging(context) { $1 }
        return try await TestPython.run("python_program.py", arguments, environment: environment).map { try JSON($0) }
    }
}

import RedisTesting
import Testing

@Suite("The log of what belongs to a trace")
struct LogTraceTests {
    /// The lines that have this text.
    private func lines(_ traced: TracedService, _ text: String) -> [String] {
        traced.service.log.split(separator: "\n").map(String.init).filter { $0.contains(text) }
    }

    @Test("has the ids of a failed request's span, in JSON and in text", arguments: ["json", "text"])
    func failedRequest(format: String) async throws {
        let traced = try await TracedService(["LOG_FORMAT": format, "LOG_LEVEL": "debug"])
        let headers = [("traceparent", TraceTests.traceparent)]
        #expect(try await traced.service.enqueue("{", headers: headers).status == 400)
        #expect(try await traced.service.get("/frames/0-x").status == 400)
        let spans = try await traced.finish()
        let server = try spans.only(.server)
        let failed = lines(traced, "a request failed")
        #expect(failed.count == 2)
        for (line, path, isTraced) in [(failed.first, "/enqueue", true), (failed.last, "/frames/0-x", false)] {
            let line = try #require(line)
            if format == "json" {
                let line = try JSON(line)
                #expect(line["path"] == .string(path))
                #expect(line["status"] == .string("400"))
                #expect(line["level"] == .string("debug"))
                #expect(line["trace_id"] == (isTraced ? .string(server.traceID) : nil))
                #expect(line["span_id"] == (isTraced ? .string(server.spanID) : nil))
            } else {
                #expect(line.contains(" path=\(path) ") && line.contains(" status=400"))
                #expect(line.contains(" span_id=\(server.spanID) ") == isTraced)
                #expect(line.contains(" trace_id=\(server.traceID)") == isTraced)
                #expect(line.contains("trace_id") == isTraced)
            }
        }
    }

    @Test("has the ids of a dead frame's last span, and of a dropped one's")
    func ends() async throws {
        let traced = try await TracedService([
            "LOG_FORMAT": "json", "LOG_LEVEL": "debug", "FRAMEBUFFER_OVERFLOW": "drop-oldest",
            "FRAMEBUFFER_CAPACITY_FRAMES": "1",
        ])
        let service = traced.service
        try await service.post("dropped", "dies")
        #expect(try await service.settle("/reject", try await service.lease("60s")).settled == 1)
        let spans = try await traced.finish()
        for (text, frame, level, name) in [
            ("frames went to the dead letters", "dies", "warning", "dead-letter frames:queue"),
            ("frames made room", "dropped", "debug", "drop frames:queue"),
        ] {
            let lines = lines(traced, text)
            #expect(lines.count == 1)
            let line = try JSON(try #require(lines.first))
            let span = try spans.only(.internal, frame: frame, name: name)
            #expect(line["level"] == .string(level))
            #expect(line["trace_id"] == .string(span.traceID))
            #expect(line["span_id"] == .string(span.spanID))
        }
    }

    @Test("says of a request that failed since Redis is away that it did, but not to everybody")
    func level() async throws {
        let traced = try await TracedService(["LOG_LEVEL": "info"])
        traced.redis.kill()
        #expect(try await traced.service.enqueue(#"{"n":1}"#).status == 503)
        _ = try await traced.finish()
        #expect(lines(traced, "a request failed") == [])
    }
}

import RedisTesting
import Testing

@Suite("Metrics")
struct MetricsTests {
    @Test("come in both forms, which say the same to the parsers of Prometheus' own client library")
    func forms() async throws {
        // A name that the text of a label has to escape.
        try await withService(["FRAMEBUFFER_QUEUES": #"frames:queue,a"b\c"#]) { service, _ in
            try await service.post("f1", "f2")
            #expect(try await service.take()?.frameID == "f1")
            let forms = [try await service.metrics("prometheus"), try await service.metrics("openmetrics")]
            // Looking is counted too, and changes what the process takes.
            let names = forms.map { metrics in
                Set(
                    metrics.samples.filter { $0.labels["http_route"] != "/metrics" }
                        .map { "\($0.name) \($0.labels.sorted(by: <).map { "\($0)=\($1)" })" }
                )
            }
            #expect(names[0] == names[1])
            for metrics in forms {
                #expect(metrics.value("framebuffer_queue_frames", ["queue": #"a"b\c"#, "state": "waiting"]) == 0)
                #expect(metrics.value("framebuffer_queue_frames", ["queue": "frames:queue", "state": "waiting"]) == 1)
                #expect(metrics.value("framebuffer_frames_enqueued_total", ["queue": "frames:queue"]) == 2)
                #expect(try #require(metrics.value("process_resident_memory_bytes")) > 1_000_000)
                #expect(try #require(metrics.value("process_open_fds")) > 3)
            }
        }
    }

    @Test("count what happens to frames, how many there are and how many nobody got")
    func frames() async throws {
        let settings = ["FRAMEBUFFER_OVERFLOW": "drop-oldest", "FRAMEBUFFER_CAPACITY_FRAMES": "6"]
        try await withService(settings) { service, _ in
            #expect(try await service.enqueue(#"[{"frame_id":"dropped"},{"frame_id":"settled"}]"#).status == 200)
            try await service.post("returned", "acked", "nacked", "rejected")
            for _ in 1...2 {
                let headers = [("Idempotency-Key", "k")]
                #expect(try await service.enqueue(#"{"frame_id":"waiting"}"#, headers: headers).status == 200)
            }
            #expect(try await service.take() == HandedOut("settled"))
            let caller = try RawConnection(port: service.port)
            try caller.poll()
            #expect(try await caller.handedOut() == [HandedOut("returned")])
            caller.reset()
            #expect(try await service.comesTo(Counts(waiting: 5)))
            let leased = try await service.leaseAll(4)
            #expect(leased.map(\.frameID) == ["returned", "acked", "nacked", "rejected"])
            let done = leased[..<2].map(\.receipt)
            #expect(try await service.settle("/ack", done) == SettlingAnswer(200, settled: 2))
            #expect(try await service.settle("/nack", leased[2], #""delay":"60s""#) == SettlingAnswer(200, settled: 1))
            #expect(try await service.settle("/reject", leased[3]) == SettlingAnswer(200, settled: 1))

            let metrics = try await service.metrics()
            func value(_ name: String, _ labels: [String: String] = [:]) -> Double? {
                metrics.value("framebuffer_\(name)", labels.merging(["queue": "frames:queue"]) { $1 })
            }
            #expect(value("frames_enqueued_total") == 7)
            #expect(value("frames_dequeued_total") == 6)
            #expect(value("frames_settled_total") == 3)
            #expect(value("frames_returned_total") == 1)
            #expect(value("frames_nacked_total") == 1)
            #expect(value("frames_died_total") == 1)
            #expect(value("frames_lost_total", ["reason": "dropped"]) == 1)
            #expect(value("frames_lost_total", ["reason": "expired"]) == 0)
            #expect(value("queue_frames", ["state": "waiting"]) == 1)
            #expect(value("queue_frames", ["state": "leased"]) == 1)
            #expect(value("queue_frames", ["state": "dead"]) == 1)
            #expect(value("queue_capacity_frames") == 6)
            #expect(try #require(value("queue_oldest_age_seconds")) >= 0)
        }
    }

    @Test("tell which spans nobody got, and why, as /health does")
    func spans() async throws {
        let traced = try await TracedService()
        func dropped() async throws -> JSON? {
            try await traced.service.get("/health").json()["checks"]?["tracing"]?["dropped_by"]
        }
        try await traced.receiver.fail(.status(400), times: 1)
        try await traced.service.post("refused")
        #expect(try await eventually { try await dropped()?["refused"]?.integer == 2 })
        try await traced.receiver.fail(.reject(1), times: 1)
        try await traced.service.post("rejected")
        #expect(try await eventually { try await dropped()?["rejected"]?.integer == 1 })
        let told = try await dropped()
        let metrics = try await traced.service.metrics()
        for reason in ["queue_full", "refused", "unreachable", "rejected", "stopped"] {
            let count = metrics.value("framebuffer_spans_dropped_total", ["reason": reason])
            #expect(count == told?[reason]?.integer.map(Double.init), "\(reason)")
            #expect(count == ["refused": 2, "rejected": 1][reason, default: 0], "\(reason)")
        }
        #expect(metrics.value("framebuffer_spans_exported_total") == 1)
        #expect(metrics.value("framebuffer_tracing_info", ["exporter": "otlp"]) == 1)
    }

    @Test(
        "time requests by method, route and status, with examples whose spans were exported; and leave no trace themselves"
    )
    func requests() async throws {
        let traced = try await TracedService()
        try await traced.service.post("f1", "f2")
        #expect(try await traced.service.take() != nil)
        #expect(try await traced.service.get("/frames/1-1").status == 404)
        #expect(try await traced.service.get("/nothing").status == 404)
        #expect(try await traced.service.call("HEAD", "/metrics").body.isEmpty)
        #expect(try await traced.service.call("POST", "/metrics").status == 405)
        let metrics = try await traced.service.metrics()
        let spans = try await traced.finish()

        let duration = "http_server_request_duration_seconds"
        let expected: [(method: String, route: String, status: String, count: Double)] = [
            ("POST", "/enqueue", "200", 2), ("GET", "/dequeue", "200", 1), ("GET", "/frames/{message_id}", "404", 1),
            ("GET", "", "404", 1), ("HEAD", "/metrics", "200", 1), ("POST", "", "405", 1),
        ]
        for (method, route, status, count) in expected {
            let labels = [
                "http_request_method": method, "http_route": route, "http_response_status_code": status,
            ]
            #expect(metrics.value(duration + "_count", labels) == count, "\(labels)")
            #expect(try #require(metrics.value(duration + "_sum", labels)) > 0, "\(labels)")
        }
        let examples = metrics.samples.compactMap(\.exemplar)
        #expect(examples.count >= 2)
        for example in examples {
            let span = try spans.only(.server, spanID: example["span_id"])
            #expect(span.traceID == example["trace_id"])
        }
        #expect(!spans.contains { $0.name.hasSuffix("/metrics") })
    }

    @Test("are told without Redis too, but for what only Redis knows")
    func away() async throws {
        try await withService { service, redis in
            try await service.post("f1")
            #expect(try await service.metrics().value("framebuffer_redis_up") == 1)
            redis.kill()
            let metrics = try await service.metrics()
            #expect(metrics.value("framebuffer_redis_up") == 0)
            #expect(metrics.value("framebuffer_frames_enqueued_total", ["queue": "frames:queue"]) == 1)
            #expect(!metrics.samples.contains { $0.name == "framebuffer_queue_frames" })
        }
    }
}

import RedisTesting
import Testing

/// What a collector does to the service: nothing but to its traces.
@Suite("A collector that does not collect")
struct TraceExportTests {
    /// Longer than any request takes, on the busiest machine.
    private static let exportTimeout = Duration.seconds(5)

    @Test(
        "Requests are not affected, what was dropped is counted, and spans arrive once it is back",
        arguments: [OTLPReceiver.Fault.refuse, .close, .status(503), .status(400), .hang]
    )
    func away(fault: OTLPReceiver.Fault) async throws {
        let traced = try await TracedService([
            "OTEL_EXPORTER_OTLP_TIMEOUT": "\(Self.exportTimeout.components.seconds * 1000)",
            "OTEL_BSP_MAX_QUEUE_SIZE": "16",
            "OTEL_BSP_MAX_EXPORT_BATCH_SIZE": "8",
        ])
        try await traced.receiver.fail(fault)
        let clock = ContinuousClock()
        var slowest = Duration.zero
        for number in 1...30 {
            let start = clock.now
            let reply = try await traced.service.enqueue(#"{"frame_id":"f\#(number)"}"#)
            let middle = clock.now
            #expect(reply.status == 200)
            #expect(try await traced.service.dequeue()?["frame_id"] == .string("f\(number)"))
            slowest = max(slowest, middle - start, clock.now - middle)
        }
        #expect(slowest < Self.exportTimeout - .seconds(1))
        var tracing = try await self.tracing(of: traced)
        let isTold = try await eventually(within: .seconds(60)) {
            tracing = try await self.tracing(of: traced)
            return tracing.status == "degraded" && tracing.dropped > 0
        }
        #expect(isTold, "\(tracing)")
        #expect(tracing.queued <= 16)
        #expect(try await traced.receiver.stats().accepted == 0)

        try await traced.receiver.heal()
        let isEmptied = try await eventually(within: .seconds(60)) { try await self.tracing(of: traced).queued == 0 }
        #expect(isEmptied)
        _ = try await traced.service.enqueue(#"{"frame_id":"after"}"#)
        _ = try await traced.service.dequeue()
        #expect(try await traced.receiver.spans(["frame.id": "after"], atLeast: 2).count == 2)
        let isHealthy = try await eventually {
            tracing = try await self.tracing(of: traced)
            return tracing.status == "healthy"
        }
        #expect(isHealthy, "\(tracing)")
        let spans = try await traced.finish()
        // Each request made two spans, and each of them either arrived or is counted.
        #expect(spans.count + tracing.dropped == 2 * 2 * 31)
    }

    private struct Tracing {
        let status: String
        let queued: Int
        let dropped: Int
    }

    /// What `/health` says about traces. The service as a whole is never more than degraded by them.
    private func tracing(of traced: TracedService) async throws -> Tracing {
        let reply = try await traced.service.get("/health")
        #expect(reply.status == 200)
        let health = try reply.json()
        let tracing = try #require(health["checks"]?["tracing"])
        let status = try #require(tracing["status"]?.string)
        #expect(health["status"] == .string(status))
        #expect(tracing["exporter"] == .string("otlp"))
        return Tracing(
            status: status,
            queued: try #require(tracing["queued"]?.integer),
            dropped: try #require(tracing["dropped"]?.integer)
        )
    }

    @Test("A collector that asks for a pause gets it, and then each span once")
    func retryAfter() async throws {
        let traced = try await TracedService()
        try await traced.receiver.fail(.status(429, retryAfter: "2"), times: 2)
        _ = try await traced.service.enqueue(#"{"frame_id":"f1"}"#)
        #expect(try await traced.receiver.spans(["frame.id": "f1"], atLeast: 1).count == 1)
        let stats = try await traced.receiver.stats()
        #expect(stats.arrivals.count >= 3)
        for (first, second) in zip(stats.arrivals, stats.arrivals.dropFirst().prefix(2)) {
            // The clocks of two processes may differ by a little.
            #expect(second - first > 1.95)
        }
        #expect(try await traced.finish().count == 2)
    }

    @Test("At SIGTERM the spans that were still waiting are sent")
    func flush() async throws {
        let traced = try await TracedService(["OTEL_BSP_SCHEDULE_DELAY": "3600000"])
        for number in 1...5 {
            _ = try await traced.service.enqueue(#"{"frame_id":"f\#(number)"}"#)
            _ = try await traced.service.dequeue()
        }
        #expect(try await traced.receiver.stats().arrivals.isEmpty)
        #expect(try await traced.finish().count == 20)
    }

    @Test("A collector that hangs does not keep the service from stopping in time")
    func stopWhileHanging() async throws {
        let traced = try await TracedService()
        try await traced.receiver.fail(.hang)
        _ = try await traced.service.enqueue(#"{"frame_id":"f1"}"#)
        let isUnderWay = try await eventually { try await !traced.receiver.stats().arrivals.isEmpty }
        #expect(isUnderWay)
        let clock = ContinuousClock()
        let start = clock.now
        #expect(await traced.service.stop() == 0)
        #expect(clock.now - start < .seconds(8))
    }
}

import Foundation
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
        /// By the reason, as `/health` calls it.
        let droppedBy: [String: Int]
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
            dropped: try #require(tracing["dropped"]?.integer),
            droppedBy: try ["queue_full", "refused", "unreachable", "rejected", "stopped"].reduce(into: [:]) {
                $0[$1] = try #require(tracing["dropped_by"]?[$1]?.integer)
            }
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

    @Test("What OTLP calls retryable is sent again until it is taken, once; all else is sent once and dropped")
    func retrying() async throws {
        let traced = try await TracedService(["OTEL_EXPORTER_OTLP_TIMEOUT": "30000"])
        var frames = 0
        func frame() async throws -> String {
            frames += 1
            _ = try await traced.service.enqueue(#"{"frame_id":"f\#(frames)"}"#)
            return "f\(frames)"
        }
        let date = Date.now.addingTimeInterval(3).formatted(
            Date.VerbatimFormatStyle(
                format: """
                    \(weekday: .abbreviated), \(day: .twoDigits) \(month: .abbreviated) \(year: .defaultDigits) \
                    \(hour: .twoDigits(clock: .twentyFourHour, hourCycle: .zeroBased)):\
                    \(minute: .twoDigits):\(second: .twoDigits) GMT
                    """,
                locale: Locale(identifier: "en_US_POSIX"),
                timeZone: .gmt,
                calendar: Calendar(identifier: .gregorian)
            )
        )
        for fault in [OTLPReceiver.Fault.status(503, retryAfter: date), .status(502), .close] {
            let before = try await traced.receiver.stats().arrivals.count
            try await traced.receiver.fail(fault, times: 1)
            let id = try await frame()
            #expect(try await traced.receiver.spans(["frame.id": id], atLeast: 1).count == 1, "\(fault)")
            #expect(try await traced.receiver.stats().arrivals.count >= before + 2, "\(fault)")
        }
        // With all of these there, what is refused from now on is what follows.
        #expect(try await traced.receiver.spans(atLeast: 2 * frames).count == 2 * frames)
        #expect(try await tracing(of: traced).dropped == 0)
        for (number, status) in [400, 401, 404, 500].enumerated() {
            let before = try await traced.receiver.stats().arrivals.count
            try await traced.receiver.fail(.status(status))
            _ = try await frame()
            // Its two spans, in one batch or in two.
            let isDropped = try await eventually {
                try await self.tracing(of: traced).droppedBy["refused"] == 2 * (number + 1)
            }
            #expect(isDropped, "\(status)")
            let after = try await traced.receiver.stats().arrivals.count
            #expect((1...2).contains(after - before), "\(status)")
        }
        try await traced.receiver.heal()
        let last = try await frame()
        #expect(try await traced.receiver.spans(["frame.id": last], atLeast: 1).count == 1)
        let spans = try await traced.finish()
        #expect(spans.count == 2 * 4)
        let warnings = traced.service.log.split(separator: "\n").filter { $0.contains("could not be exported") }
        #expect((1...2).contains(warnings.count), "\(traced.service.log)")
        #expect(warnings.first?.contains("400: told to") == true, "\(traced.service.log)")
    }

    @Test("Spans that a receiver rejects are counted and told, and nothing is sent again")
    func partialSuccess() async throws {
        let traced = try await TracedService([
            "OTEL_BSP_SCHEDULE_DELAY": "3600000", "OTEL_BSP_MAX_EXPORT_BATCH_SIZE": "4",
        ])
        try await traced.receiver.fail(.reject(3), times: 1)
        for number in 1...4 { _ = try await traced.service.enqueue(#"{"frame_id":"f\#(number)"}"#) }
        let isTaken = try await eventually { try await traced.receiver.stats().accepted == 2 }
        #expect(isTaken)
        let isCounted = try await eventually { try await self.tracing(of: traced).droppedBy["rejected"] == 3 }
        #expect(isCounted)
        let tracing = try await self.tracing(of: traced)
        #expect(tracing.dropped == 3 && tracing.status == "healthy")
        #expect(traced.service.log.contains("rejected 3 of 4 spans: told to"), "\(traced.service.log)")
        // A parent among the rejected spans is missing at the receiver, which is no fault of the exporter's.
        #expect(await traced.service.stop() == 0)
        let stats = try await traced.receiver.stats()
        #expect(stats.arrivals.count == 2 && stats.spans == 5 && stats.duplicates == 0)
    }

    @Test(
        "Whatever a collector does under load, requests are served, the queue is bounded, losses are counted, memory stays"
    )
    func lying() async throws {
        let queue = 512
        let traced = try await TracedService([
            "OTEL_EXPORTER_OTLP_TIMEOUT": "500", "OTEL_BSP_MAX_QUEUE_SIZE": "\(queue)",
            "OTEL_BSP_MAX_EXPORT_BATCH_SIZE": "128",
        ])
        func load() async throws {
            try await withThrowingTaskGroup { group in
                for producer in 1...8 {
                    group.addTask {
                        for number in 1...30 {
                            let reply = try await traced.service.enqueue(#"{"frame_id":"\#(producer)-\#(number)"}"#)
                            #expect(reply.status == 200)
                            #expect(try await traced.service.dequeue() != nil)
                        }
                    }
                }
                try await group.waitForAll()
            }
        }
        try await load()
        let before = try traced.service.peakMemory
        var dropped = 0
        // The last one asks for a pause that ends after the test.
        let faults: [OTLPReceiver.Fault] = [
            .hang, .refuse, .close, .page, .endless, .drip, .cut, .status(500), .status(503, retryAfter: "3600"),
        ]
        for fault in faults {
            try await traced.receiver.fail(fault)
            try await load()
            let tracing = try await self.tracing(of: traced)
            #expect(tracing.queued <= queue, "\(fault)")
            #expect(tracing.dropped >= dropped && tracing.dropped == tracing.droppedBy.values.reduce(0, +), "\(fault)")
            dropped = tracing.dropped
        }
        let isTold = try await eventually(within: .seconds(30)) {
            let tracing = try await self.tracing(of: traced)
            return tracing.droppedBy["unreachable", default: 0] > 0 && tracing.droppedBy["refused", default: 0] > 0
                && tracing.status == "degraded"
        }
        #expect(isTold)
        // What may wait, and be on its way, is a few megabytes.
        #expect(try traced.service.peakMemory - before < 64 << 20)
        #expect(traced.service.logLineCount < 40, "\(traced.service.log)")
        try await traced.receiver.heal()
        #expect(await traced.service.stop() == 0)
        let stats = try await traced.receiver.stats()
        #expect(stats.duplicates == 0)
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

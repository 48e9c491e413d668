import FrameBufferClient
import FrameTracking
import RedisTesting
import ServiceLifecycle
import Testing

@testable import FrameTrackingExamples

@Suite("Swift programs with FrameTracking around the service")
struct LibraryTests {
    // An exit test: a process can be set up only once.
    @Test("A producer that writes into Redis, the service and a worker that leases the frame are in one trace")
    func oneTrace() async {
        await #expect(processExitsWith: .success) {
            let traced = try await TracedService()
            let program = Program { [redis = traced.redis, url = traced.service.url] in
                try await FrameQueue { fields in
                    try await redis.cli(["XADD", "frames:queue", "*"] + fields.flatMap { [$0.key, $0.value] })
                }.enqueue(["frame_id": "f1"])
                try await work(FrameBufferClient(url: url)) { frame in
                    #expect(frame.frameID == "f1")
                    return 2
                }
            }
            try await run(program, environment: traced.receiver.environment)
            let spans = try await traced.finish()

            let produced = try spans.only(.producer, frame: "f1", name: "enqueue frame")
            #expect(produced.resource["service.name"] == "object-detector")
            let handedOut = try spans.only(.consumer, frame: "f1", spanID: nil, name: "dequeue frames:queue")
            #expect(handedOut.resource["service.name"] == "frame-buffer")
            let worked = try spans.only(.consumer, frame: "f1", name: "detect objects")
            #expect(worked.attributes["objects.count"] == .int(2))
            #expect([handedOut.traceID, worked.traceID] == [produced.traceID, produced.traceID])
            #expect(handedOut.parentID == produced.spanID && worked.parentID == handedOut.spanID)
            // The worker's own request for the settlement is a part of its step.
            #expect(spans.contains { $0.kind == .client && $0.parentID == worked.spanID })
        }
    }
}

private struct Program: Service {
    let body: @Sendable () async throws -> Void

    init(_ body: @escaping @Sendable () async throws -> Void) {
        self.body = body
    }

    func run() async throws {
        try await body()
    }
}

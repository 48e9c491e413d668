import Foundation
import RedisTesting
import Testing

@Suite("Fresh frames only")
struct FreshnessTests {
    /// Enqueues a frame that was captured so many seconds ago.
    private func enqueue(_ service: FrameBufferProcess, _ id: String, camera: String = "cam01", age: Int = 0)
        async throws
    {
        let time = Date.now.timeIntervalSince1970 - Double(age)
        let reply = try await service.enqueue(
            #"{"frame_id":"\#(id)","camera_id":"\#(camera)","timestamp":\#(time)}"#
        )
        #expect(reply.status == 200, "\(reply.text)")
    }

    @Test("max_age hands out no older frame, and the trace of one that expired ends with a span that says so")
    func maxAge() async throws {
        let traced = try await TracedService()
        let service = traced.service
        try await enqueue(service, "old", age: 120)
        try await enqueue(service, "new", age: 10)
        let answer = try await service.get("/dequeue?max_age=1m&wait=5s").json()
        #expect(answer["frame"]?["frame_id"] == .string("new"))
        #expect((10_000..<60_000).contains(answer["age_ms"]?.integer ?? 0))
        try await enqueue(service, "older", age: 7200)
        #expect(try await service.get("/dequeue?max_age=1h&wait=0").text == #"{"status":"empty"}"#)
        let spans = try await traced.finish()
        let span = try spans.only(.internal, frame: "old", name: "expire frames:queue")
        let enqueued = try spans.only(.producer, frame: "old")
        #expect(span.traceID == enqueued.traceID && span.parentID == enqueued.spanID)
        #expect(span.attributes["camera.id"] == "cam01")
        #expect((120_000..<180_000).contains(span.attributes["frame.age_ms"]?.int ?? 0))
        #expect(span.events.map(\.name) == ["frame_buffer_expire"])
        _ = try spans.only(.internal, frame: "older", name: "expire frames:queue")
        #expect(!spans.contains { $0.kind == .consumer && $0.attributes["frame.id"] != "new" })
        #expect(try await traced.redis.cli("XLEN", "frames:queue") == "0")
    }

    @Test(
        "mode=latest hands out each camera's newest frame, leased if asked for, and the others' traces end as superseded"
    )
    func latest() async throws {
        let traced = try await TracedService()
        let service = traced.service
        for number in 0..<6 {
            try await enqueue(service, "\(number)", camera: number.isMultiple(of: 2) ? "even" : "odd")
        }
        let even = try await Leased.all(in: service.get("/dequeue?mode=latest&lease=60s&wait=5s"))
        #expect(even.map(\.frameID) == ["4"])
        let size = try await service.get("/queue/size").json()
        #expect(size["leased"]?.integer == 1 && size["waiting"]?.integer == 1)
        let odd = try await service.get("/dequeue?mode=latest&wait=5s&count=10").json()
        #expect(odd["frames"]?[0]?["frame"]?["frame_id"] == .string("5"))
        #expect(odd["frames"]?[1] == nil)
        #expect(try await service.settle("/ack", even.map(\.receipt)) == SettlingAnswer(200, settled: 1))
        let spans = try await traced.finish()
        let superseded = spans.filter { $0.name == "supersede frames:queue" }
        #expect(Set(superseded.map { $0.attributes["frame.id"] }) == ["0", "1", "2", "3"])
        for span in superseded {
            let enqueued = try spans.only(.producer, spanID: span.parentID)
            #expect(enqueued.attributes["frame.id"] == span.attributes["frame.id"])
            #expect(span.events.map(\.name) == ["frame_buffer_supersede"])
        }
    }

    @Test("A max_age or a mode that can't be read is 400, names itself, and takes no frame")
    func refused() async throws {
        try await withService { service, _ in
            try await enqueue(service, "f")
            for age in ["", "0", "x", "25h", "-1s"] {
                let problem = try await service.get("/dequeue?max_age=\(age)").expectProblem(400)
                #expect(problem["detail"]?.string?.contains("max_age") == true, "\(age)")
            }
            for mode in ["", "newest", "LATEST"] {
                let problem = try await service.get("/dequeue?mode=\(mode)").expectProblem(400)
                #expect(problem["detail"]?.string?.contains("mode") == true, "\(mode)")
            }
            #expect(try await service.dequeue()?["frame_id"] == .string("f"))
        }
    }
}

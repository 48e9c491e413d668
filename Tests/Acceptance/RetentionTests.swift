import RedisTesting
import Testing

@Suite("Frames that stay")
struct RetentionTests {
    @Test("retention: stream leaves settled frames to readers, as many as it may keep, and counts only the others")
    func stream() async throws {
        try await withService(["FRAMEBUFFER_RETENTION": "stream", "FRAMEBUFFER_KEEP_FRAMES": "3"]) { service, redis in
            for number in 0..<6 { try await service.add("\(number)") }
            for number in 0..<5 { #expect(try await service.dequeue()?["frame_id"] == .string("\(number)")) }
            let isSettled = try await eventually {
                let size = try await service.get("/queue/size").json()
                return size["size"]?.integer == 1 && size["waiting"]?.integer == 1 && size["leased"]?.integer == 0
            }
            #expect(isSettled)
            for path in ["/tail?after=0&count=10", "/frames?count=10"] {
                let frames = try await service.get(path).json()["frames"]
                #expect(
                    (0..<5).map { frames?[$0]?["frame"]?["frame_id"]?.string } == ["2", "3", "4", "5", nil],
                    "\(path)"
                )
            }
            #expect(try await redis.cli("HGET", "frames:queue:{frames:queue}:counters", "trimmed") == "2")
        }
    }
}

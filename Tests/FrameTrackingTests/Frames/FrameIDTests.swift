import FrameTracking
import Synchronization
import Testing

@Suite("FrameID")
struct FrameIDTests {
    private func generator(_ times: [Int64]) -> FrameIDGenerator {
        let rest = Mutex(times)
        return FrameIDGenerator(
            now: { rest.withLock { $0.count > 1 ? $0.removeFirst() : $0[0] } },
            suffix: { 0xCCAD_E578 }
        )
    }

    @Test("An identifier has its five parts, and is read back into them")
    func form() throws {
        let text = generator([1_753_608_701_224]).generate(cameraID: "cam01")
        #expect(text == "1753608701224_http_cam01_0001_ccade578")
        let id = try #require(FrameID(text))
        #expect(id.milliseconds == 1_753_608_701_224 && id.source == "http" && id.cameraID == "cam01")
        #expect(id.sequence == 1 && id.suffix == 0xCCAD_E578)
    }

    @Test("While the clock is behind the last millisecond is held and the sequence goes on")
    func clockBehind() {
        let generator = generator([1000, 990, 1000, 1001, 5])
        let ids = (0..<5).map { _ in generator.generate() }
        #expect(
            ids == [
                "1000_http_unknown_0001_ccade578", "1000_http_unknown_0002_ccade578", "1000_http_unknown_0003_ccade578",
                "1001_http_unknown_0004_ccade578", "1001_http_unknown_0005_ccade578",
            ]
        )
    }

    @Test("The sequence has four digits or more")
    func sequence() {
        let generator = generator([1])
        let ids = (0..<10_001).map { _ in generator.generate() }
        #expect(ids[998].contains("_0999_") && ids[9998].contains("_9999_") && ids[9999].contains("_10000_"))
        #expect(FrameID(ids[10_000])?.sequence == 10_001)
    }

    @Test(
        "Characters outside of [A-Za-z0-9.-] become one -, and nothing is unknown",
        arguments: [
            ("cam_01", "cam-01"), ("a b/c:d", "a-b-c-d"), ("Wejście", "Wej-cie"), ("📷", "-"), ("A.z-9", "A.z-9"),
            ("", "unknown"), ("a\u{0}b", "a-b"),
        ]
    )
    func labels(text: String, label: String) {
        let id = generator([1]).generate(cameraID: text, source: text)
        #expect(id == "1_\(label)_\(label)_0001_ccade578")
        #expect(FrameID(id)?.cameraID == label)
    }

    @Test("However long the names, an identifier has at most 256 bytes")
    func length() {
        let long = String(repeating: "é", count: 1000)
        for (camera, source) in [(long, long), (long, ""), ("", long), (long, "http")] {
            let id = generator([.max]).generate(cameraID: camera, source: source)
            #expect(id.utf8.count <= 256)
            #expect(FrameID(id) != nil)
        }
    }

    @Test(
        "Other texts are no identifiers of ours",
        arguments: [
            "", "frame-1", "1_http_cam_0001", "1_http_cam_0001_ccade578_x", "1_http_cam_001_ccade578",
            "x_http_cam_0001_ccade578",
            "1__cam_0001_ccade578", "1_http__0001_ccade578", "1_ht tp_cam_0001_ccade578", "1_http_cam_000x_ccade578",
            "1_http_cam_0001_CCADE578", "1_http_cam_0001_ccade57", "1_http_cam_0001_ccade5789",
            "+1_http_cam_0001_ccade578",
            "1_http_cam_+001_ccade578", "99999999999999999999_http_cam_0001_ccade578", "_http_cam_0001_ccade578",
        ]
    )
    func foreign(text: String) {
        #expect(FrameID(text) == nil)
    }

    @Test("Identifiers made by several tasks at once are in the order of their numbers, and each its own")
    func concurrency() async {
        let ids = await withTaskGroup(of: [String].self) { group in
            for _ in 0..<4 { group.addTask { (0..<2000).map { _ in FrameID.generate(cameraID: "cam01") } } }
            return await group.reduce(into: []) { $0 += $1 }
        }
        let parsed = ids.compactMap { FrameID($0) }.sorted { $0.sequence < $1.sequence }
        #expect(Set(ids).count == 8000 && parsed.count == 8000)
        #expect(zip(parsed, parsed.dropFirst()).allSatisfy { $0.milliseconds <= $1.milliseconds })
    }
}

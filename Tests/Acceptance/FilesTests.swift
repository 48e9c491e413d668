import Foundation
import RedisTesting
import Testing

/// Pictures as they are, through the commands as a user runs them.
@Suite("Real files")
struct FilesTests {
    @Test("1,000 JPEG files come out byte for byte, each once, in order, each with one trace that has both ends in it")
    func thousandFiles() async throws {
        let count = 1_000
        let seed = UInt32.random(in: .min ... .max)
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("fb-files-\(seed)")
        let (given, taken) = (folder.appendingPathComponent("given"), folder.appendingPathComponent("taken"))
        try FileManager.default.createDirectory(at: given, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        try await TestPython.run("make_jpegs.py", [given.path, "\(count)", "\(seed)"])
        let files = try FileManager.default.contentsOfDirectory(atPath: given.path).sorted().map { name in
            given.appendingPathComponent(name)
        }
        #expect(files.count == count, "seed \(seed)")

        // Four spans a frame: room for all of them, whatever the receiver's pace.
        let traced = try await TracedService(["OTEL_BSP_MAX_QUEUE_SIZE": "8192"])
        let url = ["--url", traced.service.url]
        let enqueue = try await CommandRun(
            FrameBufferProcess.executable,
            ["enqueue"] + files.map(\.path) + ["--camera", "cam01"] + url
        )
        #expect(enqueue.exitCode == 0, "\(enqueue.errors), seed \(seed)")
        #expect(try await traced.service.get("/queue/size").json()["waiting"]?.integer == count)
        let take = ["dequeue", "--output", taken.path, "--count", "\(count)"] + url
        let dequeue = try await CommandRun(FrameBufferProcess.executable, take)
        #expect(dequeue.exitCode == 0, "\(dequeue.errors), seed \(seed)")
        let again = try await CommandRun(FrameBufferProcess.executable, take)
        #expect(again.exitCode == 0)
        #expect(again.lines == [])
        let size = try await traced.service.get("/queue/size").json()
        #expect(size["size"]?.integer == 0)
        #expect(size["dead"]?.integer == 0)

        // Frame id, message id, trace id; of a frame taken also its file.
        let sent = enqueue.lines.map { $0.split(separator: " ").map(String.init) }
        let received = dequeue.lines.map { $0.split(separator: " ", maxSplits: 3).map(String.init) }
        try #require(sent.allSatisfy { $0.count == 3 } && received.allSatisfy { $0.count == 4 }, "seed \(seed)")
        #expect(received.map { Array($0.prefix(3)) } == sent, "seed \(seed)")
        for column in 0..<3 { #expect(Set(sent.map { $0[column] }).count == count, "seed \(seed)") }
        let names = try FileManager.default.contentsOfDirectory(atPath: taken.path).sorted()
        #expect(names.map { taken.appendingPathComponent($0).path } == received.map { $0[3] }, "seed \(seed)")
        for (file, copy) in zip(files, received) {
            let (before, after) = (try Data(contentsOf: file), try Data(contentsOf: URL(fileURLWithPath: copy[3])))
            #expect((20_000...300_000).contains(before.count), "\(file.lastPathComponent), seed \(seed)")
            // Not in the macro, which would print both.
            let isEqual = before == after
            #expect(isEqual, "\(file.lastPathComponent) differs from \(copy[3]), seed \(seed)")
        }

        let spans = try await traced.finish()
        let traces = Dictionary(grouping: spans, by: \.traceID)
        for frame in sent {
            let trace = try #require(traces[frame[2]], "seed \(seed)")
            let producer = try trace.only(.producer, frame: frame[0])
            let consumer = try trace.only(.consumer, frame: frame[0])
            let server = try trace.only(.server, name: "POST /enqueue")
            #expect(trace.count == 3 && server.parentID == "", "seed \(seed)")
            #expect(producer.parentID == server.spanID && consumer.parentID == producer.spanID, "seed \(seed)")
            #expect(consumer.attributes["messaging.message.id"] == .string(frame[1]), "seed \(seed)")
            #expect(consumer.attributes["camera.id"] == "cam01", "seed \(seed)")
        }
        #expect(spans.count == 4 * count, "seed \(seed)")
    }
}

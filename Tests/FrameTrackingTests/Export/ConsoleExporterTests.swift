import Foundation
import Testing

@testable import FrameTracking

@Suite("Spans on the console")
struct ConsoleExporterTests {
    @Test("Each span is a line of JSON")
    func lines() async throws {
        let pipe = Pipe()
        let exporter = ConsoleExporter(
            settings: TracingSettings(),
            descriptor: pipe.fileHandleForWriting.fileDescriptor
        )
        let spans = SpanBatch(["a", "b\nc"].map { Fixture.span($0) })
        #expect(await exporter.export(spans) == .exported(rejected: 0, message: ""))
        try pipe.fileHandleForWriting.close()
        let lines = try #require(try pipe.fileHandleForReading.readToEnd()).split(separator: UInt8(ascii: "\n"))
        let names = try lines.map { try JSONDecoder().decode(Line.self, from: Data($0)).name }
        #expect(names == ["a", "b\nc"])
    }

    private struct Line: Decodable {
        let name: String
    }

    @Test("A reader who has stopped reading holds up nothing: the spans are dropped in time, or at the stop")
    func full() async throws {
        let pipe = Pipe()
        var settings = TracingSettings()
        settings.batching.exportTimeout = .milliseconds(50)
        let descriptor = pipe.fileHandleForWriting.fileDescriptor
        let spans = SpanBatch((0..<1000).map { _ in Fixture.fullSpan() })
        let impatient = ConsoleExporter(settings: settings, descriptor: descriptor)
        #expect(await impatient.export(spans) == .failed(.unreachable, "nobody reads standard output"))
        let patient = ConsoleExporter(settings: TracingSettings(), descriptor: descriptor)
        let export = Task { await patient.export(spans) }
        export.cancel()
        #expect(await export.value == .failed(.stopped, "stopped"))
    }

    @Test("A span is handed over as soon as it has ended")
    func atOnce() async {
        let tracer = Fixture.tracer {
            $0.exporter = .console
            $0.batching.scheduleDelay = .seconds(3600)
        }
        let exporter = RecordingExporter()
        let running = Task { await tracer.processor?.run(exporter: exporter) }
        tracer.end(tracer.startSpan("span"))
        await eventually("the span is written") { exporter.count == 1 }
        running.cancel()
        await running.value
        #expect(tracer.statistics.exporter == "console")
    }
}

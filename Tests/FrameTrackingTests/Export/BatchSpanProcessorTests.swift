import ServiceLifecycle
import Testing

@testable import FrameTracking

@Suite("BatchSpanProcessor")
struct BatchSpanProcessorTests {
    private let clock = ManualClock()
    private let log = RecordingLog()

    private func processor(queue: Int = 8, batch: Int = 4) -> BatchSpanProcessor {
        var settings = TracingSettings.Batching()
        settings.maximumQueueSize = queue
        settings.maximumBatchSize = batch
        return BatchSpanProcessor(settings: settings, clock: clock, logger: log.logger)
    }

    private func running(
        _ processor: BatchSpanProcessor,
        _ exporter: RecordingExporter,
        _ body: () async throws -> Void
    ) async rethrows {
        let task = Task { await processor.run(exporter: exporter) }
        do { try await body() } catch {
            task.cancel()
            throw error
        }
        task.cancel()
        await task.value
    }

    @Test("A full queue drops and counts, and stays as it was")
    func bounds() {
        let processor = processor()
        for index in 0..<20 { processor.enqueue(Fixture.span("\(index)")) }
        let statistics = processor.statistics(exporter: "otlp")
        #expect(statistics.queued == 8 && statistics.droppedQueueFull == 12 && statistics.dropped == 12)
    }

    @Test("A complete batch is exported at once, an incomplete one after the delay")
    func delays() async throws {
        let processor = processor()
        let exporter = RecordingExporter()
        await running(processor, exporter) {
            for index in 0..<5 { processor.enqueue(Fixture.span("\(index)")) }
            await eventually("the complete batch is exported") { exporter.batches.count == 1 }
            await eventually("the delay has begun") { clock.sleeperCount == 1 }
            clock.advance(by: .milliseconds(4999))
            #expect(processor.statistics(exporter: "").queued == 1)
            clock.advance(by: .milliseconds(1))
            await eventually("the rest is exported") { exporter.batches.count == 2 }
        }
        #expect(exporter.batches.map(\.count) == [4, 1])
        #expect(try exporter.spans.map(\.name) == ["0", "1", "2", "3", "4"])
        #expect(processor.statistics(exporter: "").exported == 5)
    }

    @Test("There is one export at a time, and callers are not held up by it")
    func oneAtATime() async {
        let processor = processor()
        let (gate, open) = AsyncStream<Void>.makeStream()
        let exporter = RecordingExporter(gate: gate)
        await running(processor, exporter) {
            for _ in 0..<4 { processor.enqueue(Fixture.span()) }
            await eventually("the first export is under way") { exporter.batches.count == 1 }
            for _ in 0..<10 { processor.enqueue(Fixture.span()) }
            #expect(exporter.batches.count == 1)
            #expect(processor.statistics(exporter: "").queued == 8)
            #expect(processor.statistics(exporter: "").droppedQueueFull == 2)
            for _ in 0..<3 { open.yield() }
            await eventually("all are exported") { processor.statistics(exporter: "").exported == 12 }
        }
        #expect(exporter.batches.map(\.count) == [4, 4, 4])
        #expect(log.lines.count == 1, "dropping is told once")
    }

    @Test("Failures and rejections are counted, and recovery is seen")
    func counting() async {
        let processor = processor(batch: 2)
        let exporter = RecordingExporter()
        await running(processor, exporter) {
            for (result, exports) in [
                (ExportResult.failed(.unreachable, "away"), 1), (.exported(rejected: 1, message: "too old"), 2),
                (.exported(rejected: 9, message: "lying"), 3),
            ] {
                exporter.answer(result)
                for _ in 0..<2 { processor.enqueue(Fixture.span()) }
                await eventually("the batch is counted") {
                    let statistics = processor.statistics(exporter: "")
                    return statistics.exported + statistics.droppedUnreachable + statistics.droppedRejected == 2
                        * exports
                }
                #expect(processor.statistics(exporter: "").isFailing == (exports == 1))
            }
        }
        let statistics = processor.statistics(exporter: "")
        #expect(statistics.exported == 1 && statistics.droppedUnreachable == 2 && statistics.droppedRejected == 3)
    }

    @Test("At graceful shutdown the rest is exported, and what ends later is dropped and counted")
    func gracefulShutdown() async throws {
        let processor = processor()
        let exporter = RecordingExporter()
        for _ in 0..<6 { processor.enqueue(Fixture.span()) }
        struct Exporting: Service {
            let processor: BatchSpanProcessor
            let exporter: RecordingExporter
            func run() async throws { await processor.run(exporter: exporter) }
        }
        let group = ServiceGroup(
            configuration: .init(
                services: [.init(service: Exporting(processor: processor, exporter: exporter))],
                logger: Fixture.silentLogger
            )
        )
        async let running: Void = group.run()
        await eventually("the complete batch is exported") { exporter.batches.count == 1 }
        await group.triggerGracefulShutdown()
        try await running
        #expect(exporter.batches.map(\.count) == [4, 2])
        processor.enqueue(Fixture.span())
        #expect(processor.statistics(exporter: "").droppedQueueFull == 1)
        #expect(processor.statistics(exporter: "").queued == 0)
    }

    @Test("A receiver that hangs holds up the shutdown no longer than the limit")
    func boundedShutdown() async throws {
        let processor = processor()
        let (gate, open) = AsyncStream<Void>.makeStream()
        defer { open.finish() }
        let exporter = RecordingExporter(gate: gate)
        for _ in 0..<6 { processor.enqueue(Fixture.span()) }
        struct Exporting: Service {
            let processor: BatchSpanProcessor
            let exporter: RecordingExporter
            func run() async throws { await processor.run(exporter: exporter) }
        }
        let group = ServiceGroup(
            configuration: .init(
                services: [.init(service: Exporting(processor: processor, exporter: exporter))],
                logger: Fixture.silentLogger
            )
        )
        async let running: Void = group.run()
        await eventually("the export hangs, and the delay runs") {
            exporter.batches.count == 1 && clock.sleeperCount == 1
        }
        await group.triggerGracefulShutdown()
        await eventually("the limit runs too") { clock.sleeperCount == 2 }
        clock.advance(by: .seconds(3))
        try await running
        #expect(processor.statistics(exporter: "").droppedStopped == 6)
    }
}

import Testing

@testable import FrameTracking

@Suite("ExportLog")
struct ExportLogTests {
    private let clock = ManualClock()
    private let record = RecordingLog()
    private let statistics = TracingStatistics(exporter: "otlp")

    @Test("Failures that go on are told ever more seldom, and their end once")
    func lasting() {
        var log = ExportLog(logger: record.logger, clock: clock)
        for _ in 0..<86_400 {
            log.note(.failed(.unreachable, "away"), of: 5, statistics)
            clock.advance(by: .seconds(1))
        }
        #expect((250...300).contains(record.lines.count))
        for _ in 0..<400 {
            log.note(.exported(rejected: 0, message: ""), of: 5, statistics)
            clock.advance(by: .seconds(1))
        }
        #expect(record.lines.filter { $0.contains("exported again") }.count == 1)
        let told = record.lines.count
        for _ in 0..<11 {
            log.note(.failed(.unreachable, "away again"), of: 5, statistics)
            clock.advance(by: .seconds(1))
        }
        #expect(record.lines.count == told + 2, "it begins anew")
    }

    @Test("Another kind of trouble does not wait until the former may be told again")
    func anotherKind() {
        var log = ExportLog(logger: record.logger, clock: clock)
        for _ in 0..<1000 {
            log.note(.failed(.unreachable, "away"), of: 5, statistics)
            clock.advance(by: .seconds(1))
        }
        let told = record.lines.count
        for _ in 0..<11 {
            log.note(.failed(.refused, "401"), of: 5, statistics)
            clock.advance(by: .seconds(1))
        }
        #expect((1...2).contains(record.lines.count - told))
        #expect(record.lines.last?.contains("401") == true)
    }

    @Test("Failures are told at most once in ten seconds, repeats in the next line's count")
    func failures() {
        var log = ExportLog(logger: record.logger, clock: clock)
        for _ in 0..<3 { log.note(.failed(.unreachable, "away"), of: 5, statistics) }
        #expect(record.lines.count == 1)
        clock.advance(by: .seconds(10))
        log.note(.failed(.unreachable, "still away"), of: 5, statistics)
        #expect(record.lines.count == 2)
        #expect(record.lines[0].contains("away") && record.lines[0].contains("not_logged_since=0"))
        #expect(record.lines[1].contains("still away") && record.lines[1].contains("not_logged_since=2"))
    }

    @Test("Rejections and warnings of the receiver are told, plain success is not")
    func successes() {
        for (result, lines) in [
            (ExportResult.exported(rejected: 0, message: ""), 0), (.exported(rejected: 2, message: "stale"), 1),
            (.exported(rejected: 0, message: "slow down"), 1),
        ] {
            let record = RecordingLog()
            var log = ExportLog(logger: record.logger, clock: clock)
            log.note(result, of: 5, statistics)
            #expect(record.lines.count == lines)
        }
    }

    @Test("Spans that found the queue full are told of once until there are more")
    func queueFull() {
        var log = ExportLog(logger: record.logger, clock: clock)
        var statistics = statistics
        for (dropped, lines) in [(0, 0), (3, 1), (3, 1), (4, 2)] {
            statistics.droppedQueueFull = dropped
            log.note(.exported(rejected: 0, message: ""), of: 5, statistics)
            #expect(record.lines.count == lines)
            clock.advance(by: .seconds(11))
        }
    }
}

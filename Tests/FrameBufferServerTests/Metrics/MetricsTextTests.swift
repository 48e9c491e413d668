import FrameTracking
import NIOCore
import Testing

@testable import FrameBufferServer

@Suite("The text of metrics")
struct MetricsTextTests {
    @Test(
        "calls a counter's family without its suffix in OpenMetrics, which has an end, and with it in Prometheus' form"
    )
    func counters() {
        #expect(
            text(.prometheus) { $0.counter("a_b", "What.", .init(3, ["c": "d", "e": "f"]), .init(0.5)) }
                == "# HELP a_b_total What.\n# TYPE a_b_total counter\na_b_total{c=\"d\",e=\"f\"} 3\na_b_total 0.5\n"
        )
        #expect(
            text(.openMetrics) { $0.counter("a_b", "What.", .init(3, ["c": "d"])) }
                == "# HELP a_b What.\n# TYPE a_b counter\na_b_total{c=\"d\"} 3\n# EOF\n"
        )
    }

    @Test("has texts as an info in OpenMetrics, and as a gauge in Prometheus' form, which knows none")
    func infos() {
        #expect(
            text(.openMetrics) { $0.info("a", "What.", ["b": "c"]) }
                == "# HELP a What.\n# TYPE a info\na_info{b=\"c\"} 1\n# EOF\n"
        )
        #expect(
            text(.prometheus) { $0.info("a", "What.", ["b": "c"]) }
                == "# HELP a_info What.\n# TYPE a_info gauge\na_info{b=\"c\"} 1\n"
        )
    }

    @Test("escapes what would end a label's value or its line, and nothing else")
    func escapes() {
        #expect(
            text(.prometheus) { $0.gauge("a", "What.", .init(1, ["b": "x\"y\\z\nż\r\n{}"])) }
                == "# HELP a What.\n# TYPE a gauge\na{b=\"x\\\"y\\\\z\\nż\r\\n{}\"} 1\n"
        )
    }

    @Test("adds up a histogram's buckets, each with its last traced case in OpenMetrics, and none in Prometheus' form")
    func histograms() throws {
        var histogram = DurationHistogram()
        let first = try context(1), last = try context(2)
        histogram.record(100_000, in: first)
        histogram.record(90_000, in: last)
        histogram.record(100_001, in: try context(3, flags: []))
        histogram.record(61_000_000_000)
        let lines = text(.openMetrics) { $0.histogram("a_seconds", "What.", [(["b": "c"], histogram)]) }
            .split(separator: "\n").map(String.init)
        let exemplar = " # {trace_id=\"\(last.traceID.hex)\",span_id=\"\(last.spanID.hex)\"} 9e-05"
        #expect(lines[..<2] == ["# HELP a_seconds What.", "# TYPE a_seconds histogram"])
        #expect(lines[2] == "a_seconds_bucket{b=\"c\",le=\"0.0001\"} 2" + exemplar)
        #expect(lines[3] == "a_seconds_bucket{b=\"c\",le=\"0.00025\"} 3")
        #expect(lines.contains("a_seconds_bucket{b=\"c\",le=\"1.0\"} 3"))
        #expect(lines.contains("a_seconds_bucket{b=\"c\",le=\"60.0\"} 3"))
        #expect(
            lines.suffix(4) == [
                "a_seconds_bucket{b=\"c\",le=\"+Inf\"} 4", "a_seconds_sum{b=\"c\"} 61.000290001",
                "a_seconds_count{b=\"c\"} 4",
                "# EOF",
            ]
        )
        #expect(!text(.prometheus) { $0.histogram("a_seconds", "What.", [([:], histogram)]) }.contains("trace_id"))
    }

    private func text(_ format: MetricsFormat, _ write: (inout MetricsText) -> Void) -> String {
        var text = MetricsText(format)
        write(&text)
        return String(buffer: text.finish())
    }

    private func context(_ number: UInt64, flags: TraceFlags = .sampled) throws -> SpanContext {
        SpanContext(
            traceID: try #require(TraceID(high: 1, low: number)),
            spanID: try #require(SpanID(number)),
            flags: flags
        )
    }
}

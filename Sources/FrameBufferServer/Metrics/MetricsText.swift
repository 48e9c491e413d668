internal import FrameTracking
internal import NIOCore

/// Writes metrics, family by family, in the form that was asked for.
struct MetricsText {
    typealias Labels = KeyValuePairs<String, String>

    /// One value of a family, by its labels.
    struct Sample {
        var labels: Labels = [:]
        let value: Double

        init(_ value: Double, _ labels: Labels = [:]) {
            self.labels = labels
            self.value = value
        }

        init(_ value: Int, _ labels: Labels = [:]) {
            self.init(Double(value), labels)
        }
    }

    private let format: MetricsFormat
    private var buffer = ByteBuffer()

    init(_ format: MetricsFormat) {
        self.format = format
    }

    /// All that was written.
    consuming func finish() -> ByteBuffer {
        if format == .openMetrics { buffer.writeString("# EOF\n") }
        return buffer
    }

    // MARK: Families

    /// What may rise and fall.
    mutating func gauge(_ name: String, _ help: String, _ samples: Sample...) {
        gauge(name, help, samples)
    }

    /// What may rise and fall.
    mutating func gauge(_ name: String, _ help: String, _ samples: [Sample]) {
        family(name, "gauge", help)
        for sample in samples { line(name, sample.labels, sample.value) }
    }

    /// What only rises while the process runs; `name` without the `_total` that its samples get.
    mutating func counter(_ name: String, _ help: String, _ samples: Sample...) {
        counter(name, help, samples)
    }

    /// What only rises while the process runs; `name` without the `_total` that its samples get.
    mutating func counter(_ name: String, _ help: String, _ samples: [Sample]) {
        // The older form calls a family what its samples are called.
        family(format == .openMetrics ? name : name + "_total", "counter", help)
        for sample in samples { line(name + "_total", sample.labels, sample.value) }
    }

    /// Texts that stay as they are; `name` without the `_info` that the sample gets.
    mutating func info(_ name: String, _ help: String, _ labels: Labels) {
        if format == .openMetrics { family(name, "info", help) } else { family(name + "_info", "gauge", help) }
        line(name + "_info", labels, 1)
    }

    /// Durations, in seconds, by how long they are.
    mutating func histogram(_ name: String, _ help: String, _ histograms: [(labels: Labels, DurationHistogram)]) {
        family(name, "histogram", help)
        for (labels, histogram) in histograms {
            for bucket in histogram.buckets {
                line(name + "_bucket", labels, Double(bucket.count), bound: bucket.bound, exemplar: bucket.exemplar)
            }
            line(name + "_sum", labels, histogram.sum)
            line(name + "_count", labels, Double(histogram.count))
        }
    }

    // MARK: Lines

    private mutating func family(_ name: String, _ type: String, _ help: String) {
        buffer.writeString("# HELP \(name) \(help)\n# TYPE \(name) \(type)\n")
    }

    private mutating func line(
        _ name: String,
        _ labels: Labels,
        _ value: Double,
        bound: Double? = nil,
        exemplar: DurationHistogram.Exemplar? = nil
    ) {
        var pairs = labels.map { "\($0)=\"\(Self.escaped($1))\"" }
        if let bound { pairs.append("le=\"\(bound == .infinity ? "+Inf" : "\(bound)")\"") }
        buffer.writeString(name)
        if !pairs.isEmpty { buffer.writeString("{\(pairs.joined(separator: ","))}") }
        buffer.writeString(" \(Self.number(value))")
        if format == .openMetrics, let exemplar {
            let (trace, span) = (exemplar.traceID.hex, exemplar.spanID.hex)
            buffer.writeString(" # {trace_id=\"\(trace)\",span_id=\"\(span)\"} \(Self.number(exemplar.seconds))")
        }
        buffer.writeString("\n")
    }

    private static func number(_ value: Double) -> String {
        Int(exactly: value).map(String.init) ?? "\(value)"
    }

    private static func escaped(_ text: String) -> String {
        var escaped = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\\": escaped += "\\\\"
            case "\"": escaped += "\\\""
            case "\n": escaped += "\\n"
            default: escaped.unicodeScalars.append(scalar)
            }
        }
        return escaped
    }
}

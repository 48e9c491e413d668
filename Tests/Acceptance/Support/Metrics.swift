import Foundation
import RedisTesting

/// What a service tells Prometheus, as the parser of Prometheus' own client library reads it.
struct Metrics: Sendable {
    struct Sample: Decodable, Hashable, Sendable {
        let name: String
        let labels: [String: String]
        let value: String
        let type: String
        let exemplar: [String: String]?
    }

    let samples: [Sample]

    /// The only value of that name with these labels, among others; nil where there is none.
    func value(_ name: String, _ labels: [String: String] = [:]) -> Double? {
        let found = samples.filter { $0.name == name && $0.labels.merging(labels) { $1 } == $0.labels }
        return found.count == 1 ? Double(found[0].value) : nil
    }
}

extension FrameBufferProcess {
    /// Asks for metrics in one of their forms: `prometheus` or `openmetrics`.
    func metrics(_ form: String = "openmetrics") async throws -> Metrics {
        let lines = try await TestPython.run("read_metrics.py", [url + "/metrics", form])
        return Metrics(samples: try lines.map { try JSONDecoder().decode(Metrics.Sample.self, from: Data($0.utf8)) })
    }
}

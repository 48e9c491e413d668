/// The two forms of metrics (Prometheus' text exposition format 0.0.4, and OpenMetrics 1.0.0).
enum MetricsFormat {
    case prometheus
    case openMetrics

    /// OpenMetrics for who names it and does not prefer plain text, the other for all else.
    init(accepting headers: [String]) {
        func weight(of name: String) -> Double {
            MediaRange.all(of: headers).filter { $0.name == name }.map(\.weight).max() ?? 0
        }
        let openMetrics = weight(of: "application/openmetrics-text")
        self = openMetrics > 0 && openMetrics >= weight(of: "text/plain") ? .openMetrics : .prometheus
    }

    var contentType: String {
        switch self {
        case .prometheus: "text/plain; version=0.0.4; charset=utf-8"
        case .openMetrics: "application/openmetrics-text; version=1.0.0; charset=utf-8"
        }
    }
}

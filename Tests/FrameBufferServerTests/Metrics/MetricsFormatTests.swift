import Testing

@testable import FrameBufferServer

@Suite("The form of metrics")
struct MetricsFormatTests {
    @Test(
        "is OpenMetrics for who names it and does not prefer plain text, as Prometheus does",
        arguments: [
            ["application/openmetrics-text"],
            ["application/openmetrics-text; version=1.0.0, text/plain;q=0.5"],
            [
                "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1"
            ],
            ["application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5, text/plain;version=1.0.0;q=0.3"],
            ["text/plain;q=0.2", "Application/OpenMetrics-Text;q=0.2"],
        ]
    )
    func openMetrics(headers: [String]) {
        #expect(MetricsFormat(accepting: headers) == .openMetrics)
    }

    @Test(
        "is Prometheus' text for everybody else",
        arguments: [
            [], ["*/*"], ["text/plain"], ["text/html, */*;q=0.8"], ["application/openmetrics-text;q=0"],
            ["text/plain, application/openmetrics-text;q=0.9"],
            [
                "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited, text/plain;q=0.3"
            ],
        ]
    )
    func prometheus(headers: [String]) {
        #expect(MetricsFormat(accepting: headers) == .prometheus)
    }
}

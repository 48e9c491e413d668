import FrameTracking
import ServiceLifecycle

@testable import FrameTrackingExamples

/// A span as a receiver got it.
struct ReceivedSpan {
    enum Kind: UInt64 {
        case `internal` = 1
        case server, client, producer, consumer
    }

    let name: String?
    let kind: Kind?
    let traceID: String
    let spanID: String
    /// Empty at the root of a trace.
    let parentID: String
    let attributes: [String: String]
    let events: [String?]
    let isError: Bool
    let serviceName: String?

    fileprivate init(_ span: Protobuf, serviceName: String?) throws {
        func hex(_ field: Int) -> String {
            (span.bytes(field) ?? []).map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
        }
        name = span.text(5)
        kind = span.number(6).flatMap { Kind(rawValue: $0) }
        traceID = hex(1)
        spanID = hex(2)
        parentID = hex(4)
        attributes = try span.attributes(9)
        events = try span.messages(11).map { $0.text(2) }
        isError = try span.messages(15).last?.number(3) == 2
        self.serviceName = serviceName
    }
}

extension Collector {
    /// All that it got, in the order in which they ended.
    var spans: [ReceivedSpan] {
        get throws {
            try requests.flatMap { request in
                try Protobuf(request.body).messages(1).flatMap { resourceSpans in
                    let name = try resourceSpans.messages(1).first?.attributes(1)["service.name"]
                    return try resourceSpans.messages(2).flatMap { try $0.messages(2) }
                        .map { try ReceivedSpan($0, serviceName: name) }
                }
            }
        }
    }
}

/// Does `work` in a program that is set up as the documentation says.
///
/// A process can be set up once, and then all its tests have that tracer: this is for exit tests, which have one of their
/// own.
///
/// - Returns: the spans that a receiver got.
func spans(
    _ environment: [String: String] = [:],
    of work: @escaping @Sendable () async throws -> Void
) async throws -> [ReceivedSpan] {
    try await Collector.run { collector in
        let endpoint = ["OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:\(collector.port)"]
        try await run(Work(run: work), environment: endpoint.merging(environment) { $1 })
        return try collector.spans
    }
}

private struct Work: Service {
    let work: @Sendable () async throws -> Void

    init(run work: @escaping @Sendable () async throws -> Void) {
        self.work = work
    }

    func run() async throws {
        try await work()
    }
}

import NIOCore
import ServiceLifecycle

@testable import FrameTracking
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
    let isParentRemote: Bool
    /// Nanoseconds since 1970.
    let start: UInt64?
    let end: UInt64?
    let attributes: [String: String]
    let events: [String?]
    let eventAttributes: [[String: String]]
    let droppedEventAttributes: [UInt64]
    let linkAttributes: [[String: String]]
    /// The ids of the spans that it links to.
    let links: [String]
    let status: Status
    /// What the status says of an error.
    let message: String?
    let serviceName: String?

    enum Status: UInt64 {
        case unset, ok, error
    }

    var isError: Bool { status == .error }

    init(_ span: Protobuf, serviceName: String? = nil) throws {
        func hex(_ field: Int, of message: Protobuf? = nil) -> String {
            ((message ?? span).bytes(field) ?? []).map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
        }
        name = span.text(5)
        kind = span.number(6).flatMap { Kind(rawValue: $0) }
        traceID = hex(1)
        spanID = hex(2)
        parentID = hex(4)
        isParentRemote = span.number(16).map { $0 & 0x200 != 0 } ?? false
        attributes = try span.attributes(9)
        start = span.number(7)
        end = span.number(8)
        let events = try span.messages(11)
        self.events = events.map { $0.text(2) }
        eventAttributes = try events.map { try $0.attributes(3) }
        droppedEventAttributes = events.map { $0.number(4) ?? 0 }
        let links = try span.messages(13)
        self.links = links.map { hex(2, of: $0) }
        linkAttributes = try links.map { try $0.attributes(4) }
        let status = try span.messages(15).last
        self.status = status?.number(3).flatMap { Status(rawValue: $0) } ?? .unset
        message = status?.text(2)
        self.serviceName = serviceName
    }
}

extension SpanBatch {
    init(_ spans: [SpanRecord]) {
        self.init()
        for span in spans { append(span) }
    }

    /// What a receiver of it would get.
    var spans: [ReceivedSpan] {
        get throws { try Protobuf(bytes).messages(2).map { try ReceivedSpan($0) } }
    }
}

extension SpanRecord {
    /// What a receiver of it would get.
    var received: ReceivedSpan {
        get throws { try SpanBatch([self]).spans[0] }
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

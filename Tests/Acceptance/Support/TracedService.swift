import RedisTesting
import Testing

/// A service on a Redis of its own, whose spans go to a receiver of its own.
struct TracedService: Sendable {
    let redis: RedisServer
    let receiver: OTLPReceiver
    let service: FrameBufferProcess

    /// - Parameters:
    ///   - environment: added to what the service sees.
    ///   - redis: with what is in it already; otherwise one that is made for it.
    ///   - receiver: where its spans go; otherwise to one that is made for it.
    init(
        _ environment: [String: String] = [:],
        redis: RedisServer? = nil,
        receiver: OTLPReceiver? = nil
    ) async throws {
        if let redis { self.redis = redis } else { self.redis = try await RedisServer() }
        if let receiver { self.receiver = receiver } else { self.receiver = try await OTLPReceiver() }
        service = try await FrameBufferProcess(
            redis: self.redis.url,
            self.receiver.environment.merging(environment) { $1 }
        )
    }

    /// The youngest entry of the queue, as it stands in Redis.
    func lastEntry() async throws -> [String: String] {
        let text = try await redis.cli("XREVRANGE", "frames:queue", "+", "-", "COUNT", "1")
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false).dropFirst().map(String.init)
        return stride(from: 0, to: lines.count - 1, by: 2).reduce(into: [:]) { $0[lines[$1]] = lines[$1 + 1] }
    }

    /// Stops the service in order, which sends its last spans. Whatever the test was about, they have to be sound.
    ///
    /// - Returns: all spans that it ever sent.
    func finish() async throws -> [ExportedSpan] {
        let exitCode = await service.stop()
        #expect(exitCode == 0, "\(service.log)")
        let stats = try await receiver.stats()
        #expect(stats.violations == [])
        #expect(stats.duplicates == 0)
        return try await receiver.spans()
    }
}

extension [ExportedSpan] {
    /// The only span of that kind that has these values.
    func only(
        _ kind: ExportedSpan.Kind,
        frame: String? = nil,
        spanID: String? = nil,
        name: String? = nil,
        sourceLocation: SourceLocation = #_sourceLocation
    ) throws -> ExportedSpan {
        let found = filter { span in
            span.kind == kind && (frame == nil || span.attributes["frame.id"] == frame.map { .string($0) })
                && (spanID == nil || span.spanID == spanID) && (name == nil || span.name == name)
        }
        let sought = "\(kind) \(name ?? "") \(frame ?? "") \(spanID ?? "")"
        try #require(
            found.count == 1,
            "\(found.count) spans are \(sought), of \(map { "\($0.kind) \($0.name)" })",
            sourceLocation: sourceLocation
        )
        return found[0]
    }
}

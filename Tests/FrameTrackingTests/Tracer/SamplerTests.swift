import Testing

@testable import FrameTracking

@Suite("Samplers")
struct SamplerTests {
    private static let sampledParent = SpanContext(traceparent: Fixture.traceparent)
    private static let unsampledParent = SpanContext(traceparent: Fixture.traceparent.dropLast(1) + "2")

    @Test(
        "Each sampler decides on roots and on children",
        arguments: [
            (Sampler.alwaysOn, true, true, true),
            (.alwaysOff, false, false, false),
            (.traceIDRatio(1), true, true, true),
            (.traceIDRatio(0), false, false, false),
            (.parentBasedAlwaysOn, true, true, false),
            (.parentBasedAlwaysOff, false, true, false),
            (.parentBasedTraceIDRatio(1), true, true, false),
            (.parentBasedTraceIDRatio(0), false, true, false),
        ]
    )
    func decisions(sampler: Sampler, root: Bool, underSampled: Bool, underUnsampled: Bool) throws {
        let traceID = try #require(Fixture.traceID)
        #expect(sampler.samples(traceID, parent: nil) == root)
        #expect(sampler.samples(traceID, parent: Self.sampledParent) == underSampled)
        #expect(sampler.samples(traceID, parent: Self.unsampledParent) == underUnsampled)
    }

    @Test("A ratio of 0.25 takes the traces whose low half is in the first quarter")
    func boundary() throws {
        let sampler = Sampler.traceIDRatio(0.25)
        let below = try #require(TraceID(high: .max, low: 0x3FFF_FFFF_FFFF_FFFF))
        let above = try #require(TraceID(high: 0, low: 0x4000_0000_0000_0000))
        let highest = try #require(TraceID(high: .max, low: .max))
        #expect(sampler.samples(below, parent: nil))
        #expect(!sampler.samples(above, parent: nil))
        #expect(Sampler.traceIDRatio(1).samples(highest, parent: nil))
    }

    @Test("A ratio takes about that share of random traces")
    func share() {
        let seed = UInt64.random(in: 0 ... .max)
        var source = SeededGenerator(seed: seed)
        let generator = IdentifierGenerator(seededBy: &source)
        let sampled = (0..<20_000).count { _ in
            Sampler.parentBasedTraceIDRatio(0.1).samples(generator.makeTraceID(), parent: nil)
        }
        // Six standard deviations.
        #expect((1745...2255).contains(sampled), "seed \(seed)")
    }
}

import Synchronization

/// Makes trace and span identifiers from any number of threads at once, without a lock or a system call.
///
/// A shared count is scrambled under secret keys of the process (the finalizer of SplitMix64), one for each word of
/// an identifier: two processes could only collide if all their keys did. `SystemRandomNumberGenerator` asks the
/// kernel for each word, which costs more than the rest of a span together.
public final class IdentifierGenerator: Sendable {
    /// The generator of this process.
    public static let shared: IdentifierGenerator = {
        var system = SystemRandomNumberGenerator()
        return IdentifierGenerator(seededBy: &system)
    }()

    private let count = Atomic<UInt64>(0)
    private let highKey: UInt64
    private let lowKey: UInt64
    private let spanKey: UInt64

    /// A generator with keys from `source`; the same source gives the same identifiers in the same order.
    public init(seededBy source: inout some RandomNumberGenerator) {
        highKey = source.next()
        lowKey = source.next()
        spanKey = source.next()
    }

    /// An identifier for a new trace.
    public func makeTraceID() -> TraceID {
        let step = nextStep()
        return TraceID(high: scramble(highKey &+ step), nonZeroLow: scramble(lowKey &+ step))
    }

    /// An identifier for a new span.
    public func makeSpanID() -> SpanID {
        SpanID(nonZero: scramble(spanKey &+ nextStep()))
    }

    /// Thirty-two random bits, for whatever else has to be unique.
    func makeWord() -> UInt32 {
        UInt32(truncatingIfNeeded: scramble(spanKey &+ nextStep()) >> 32)
    }

    /// Steps are a multiple of the golden ratio apart, so that neighbours differ in half of their bits.
    private func nextStep() -> UInt64 {
        count.wrappingAdd(1, ordering: .relaxed).oldValue &* 0x9E37_79B9_7F4A_7C15
    }

    private func scramble(_ value: UInt64) -> UInt64 {
        var word = value
        word = (word ^ (word >> 30)) &* 0xBF58_476D_1CE4_E5B9
        word = (word ^ (word >> 27)) &* 0x94D0_49BB_1331_11EB
        return word ^ (word >> 31)
    }
}

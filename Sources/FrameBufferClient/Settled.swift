/// What became of receipts.
public struct Settled: Decodable, Hashable, Sendable {
    /// How many had the effect that was asked for. A receipt that had it before, by a request of which the answer was lost for
    /// instance, counts neither here nor as stale.
    public let settled: Int
    /// Those whose frames were handed out again, died or were deleted meanwhile, so that nothing was changed.
    public let stale: [String]
}

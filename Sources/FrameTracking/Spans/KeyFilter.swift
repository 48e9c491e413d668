/// A set of attributes' keys that may hold more than were put in: a bit for each of 64 kinds.
struct KeyFilter: Sendable {
    private var bits: UInt64 = 0

    init() {}

    /// The set of one key.
    @inline(__always)
    init(_ key: UnsafeRawBufferPointer) {
        // Of the factors up to 64, those that part the names best which a span of ours has.
        let (first, last) = (UInt64(key.first ?? 0), UInt64(key.last ?? 0))
        bits = 1 << ((UInt64(key.count) &* 6 &+ first &* 7 &+ last) & 63)
    }

    func overlaps(_ other: KeyFilter) -> Bool { bits & other.bits != 0 }

    mutating func insert(_ other: KeyFilter) { bits |= other.bits }
}

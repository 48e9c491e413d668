/// Bytes compared by what they are, not by where they lie: a key of sets and dictionaries that copies nothing.
///
/// It must not outlive the memory it points into. `Set` and `Dictionary` hash with a random seed, so names chosen to
/// collide do no harm.
struct ByteName: Hashable {
    let bytes: RawText

    static func == (left: ByteName, right: ByteName) -> Bool {
        areEqual(left.bytes, right.bytes)
    }

    func hash(into hasher: inout Hasher) {
        hasher.combine(bytes: bytes.buffer)
    }

    /// Whether both hold the same bytes.
    @inline(__always)
    static func areEqual(_ left: RawText, _ right: RawText) -> Bool {
        guard left.count == right.count else { return false }
        let count = left.count
        guard count >= 8 else {
            var index = 0
            while index < count {
                if left[index] != right[index] { return false }
                index &+= 1
            }
            return true
        }
        func differ(_ offset: Int) -> Bool {
            left.word(at: offset) != right.word(at: offset)
        }
        var offset = 0
        while offset &+ 8 < count {
            if differ(offset) { return false }
            offset &+= 8
        }
        // The last word may overlap the one before it.
        return !differ(count &- 8)
    }
}

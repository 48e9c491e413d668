/// Finds a name that stands twice.
enum RepeatedName {
    /// The first index in `0..<count` whose name stood at an earlier one; nil where each stands once.
    ///
    /// Comparing each with each is quickest for the few fields of a frame; a set bounds the work for many.
    @inline(__always)
    static func firstIndex<Name: Hashable>(_ count: Int, name: (Int) -> Name) -> Int? {
        if count > 24 {
            var seen = Set<Name>(minimumCapacity: count)
            return (0..<count).first { !seen.insert(name($0)).inserted }
        }
        var later = 1
        while later < count {
            let last = name(later)
            var earlier = 0
            while earlier < later {
                if name(earlier) == last { return later }
                earlier &+= 1
            }
            later &+= 1
        }
        return nil
    }
}

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Finds bytes among many, as fast as the C library does: payloads are searched from end to end.
enum ByteSearch {
    /// The index of the first `byte` from `start` on; nil where there is none.
    static func first(_ byte: UInt8, in bytes: RawText, from start: Int) -> Int? {
        guard start < bytes.count, let found = memchr(bytes.base + start, Int32(byte), bytes.count - start) else {
            return nil
        }
        return UnsafeRawPointer(found) - bytes.base
    }

    /// The index at which `pattern`, of two bytes or more, first stands from `start` on; nil where it doesn't.
    static func first(_ pattern: [UInt8], in bytes: RawText, from start: Int) -> Int? {
        var start = start
        while let found = first(pattern[0], in: bytes, from: start), found + pattern.count <= bytes.count {
            if bytes[found + 1] == pattern[1], memcmp(bytes.base + found, pattern, pattern.count) == 0 { return found }
            start = found + 1
        }
        return nil
    }
}

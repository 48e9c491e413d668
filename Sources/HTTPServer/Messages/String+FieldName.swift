extension String {
    /// Whether the ASCII letters are the same but for their case, as those of header fields' names may be; `lowercase` is in
    /// lower case.
    package func isEqualIgnoringCase(to lowercase: StaticString) -> Bool {
        guard utf8.count == lowercase.utf8CodeUnitCount else { return false }
        return utf8.withContiguousStorageIfAvailable { Self.isEqual($0, lowercase) } ?? Self.isEqual(utf8, lowercase)
    }

    @inline(__always)
    private static func isEqual(_ text: some Sequence<UInt8>, _ lowercase: StaticString) -> Bool {
        var expected = lowercase.utf8Start
        for byte in text {
            let isUpper = byte >= UInt8(ascii: "A") && byte <= UInt8(ascii: "Z")
            guard (isUpper ? byte | 0x20 : byte) == expected.pointee else { return false }
            expected += 1
        }
        return true
    }
}

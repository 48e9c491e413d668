/// The `traceparent` header, in and out (W3C Trace Context Level 2).
public enum TraceParent {
    /// How many bytes a header of version 00 has.
    public static let length = 55

    // MARK: In

    /// The remote context that a header names; nil for whatever the specification calls invalid.
    ///
    /// Blanks around it are ignored, of the flags only the known ones are kept, and a version above 00 is read as far
    /// as 00 goes.
    public static func parse(_ header: String) -> SpanContext? {
        var header = header
        return header.withUTF8 { parse(UnsafeRawBufferPointer($0)) }
    }

    /// The same, of the header's bytes.
    package static func parse(_ bytes: UnsafeRawBufferPointer) -> SpanContext? {
        let text = UnsafeRawBufferPointer(rebasing: bytes.trimmingBlanks())
        guard text.count >= length,
            text[2] == dash, text[35] == dash, text[52] == dash,
            let version = Hexadecimal.parse(text[0..<2]), version != 0xFF,
            let traceID = TraceID(hex: text[3..<35]),
            let spanID = SpanID(hex: text[36..<52]),
            let flags = Hexadecimal.parse(text[53..<55])
        else { return nil }
        // What follows the flags is for versions to come, and they have to set it off.
        guard text.count == length || (version > 0 && text[length] == dash) else { return nil }
        return SpanContext(
            traceID: traceID,
            spanID: spanID,
            flags: TraceFlags(rawValue: UInt8(flags)).intersection(.known),
            isRemote: true
        )
    }

    // MARK: Out

    /// The header, version 00, that makes its reader a child of `context`.
    public static func format(_ context: SpanContext) -> String {
        String(unsafeUninitializedCapacity: length) { bytes in
            write(context, to: UnsafeMutableRawBufferPointer(bytes))
            return length
        }
    }

    /// Writes the header's 55 bytes to the beginning of `bytes`, which must have room for them.
    package static func write(_ context: SpanContext, to bytes: UnsafeMutableRawBufferPointer) {
        bytes[0] = zero
        bytes[1] = zero
        bytes[2] = dash
        context.traceID.writeHex(to: bytes, at: 3)
        bytes[35] = dash
        context.spanID.writeHex(to: bytes, at: 36)
        bytes[52] = dash
        bytes[53] = zero
        bytes[54] = zero + context.flags.intersection(.known).rawValue
    }

    private static let dash = UInt8(ascii: "-")
    private static let zero = UInt8(ascii: "0")
}

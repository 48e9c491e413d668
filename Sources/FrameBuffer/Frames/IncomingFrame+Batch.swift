package import NIOCore

extension IncomingFrame {
    /// Whether a body of JSON is a batch: it begins with `[`.
    package static func isBatch(_ body: ByteBuffer) -> Bool {
        firstByte(of: body) == UInt8(ascii: "[")
    }

    /// Reads a body of one JSON array, whose elements are frames. An error names the frame by its index.
    package static func batch(
        _ body: ByteBuffer,
        limits: FrameLimits = FrameLimits()
    ) throws(FrameError) -> [IncomingFrame] {
        try body.withUnsafeReadableBytes { bytes throws(FrameError) in
            var frames: [IncomingFrame] = []
            var members: [JSONMember] = []
            var scanner = JSONScanner(bytes, limits: limits)
            scanner.skipBlanks()
            let start = scanner.position
            do throws(FrameError) {
                try scanner.scanArray { scanner throws(FrameError) in
                    try refuseMore(than: limits, frames.count, at: scanner.position)
                    frames.append(try object(at: &scanner, of: body, RawText(bytes), &members, limits))
                }
            } catch {
                throw error.of(.index(frames.count))
            }
            try scanner.finish()
            guard !frames.isEmpty else { throw FrameError(.empty, "the batch has no frames", at: start) }
            return frames
        }
    }

    /// Reads a body of JSON objects, one a line, that are frames; blank lines are none. An error names the line.
    package static func lines(
        _ body: ByteBuffer,
        limits: FrameLimits = FrameLimits()
    ) throws(FrameError) -> [IncomingFrame] {
        try body.withUnsafeReadableBytes { bytes throws(FrameError) in
            var frames: [IncomingFrame] = []
            var members: [JSONMember] = []
            var position = 0
            var line = 1
            while position < bytes.count {
                switch bytes[position] {
                case UInt8(ascii: "\n"):
                    line += 1
                    position += 1
                    continue
                case UInt8(ascii: " "), UInt8(ascii: "\t"), UInt8(ascii: "\r"):
                    position += 1
                    continue
                default:
                    break
                }
                let end = ByteSearch.first(UInt8(ascii: "\n"), in: RawText(bytes), from: position) ?? bytes.count
                let text = UnsafeRawBufferPointer(rebasing: bytes[..<end])
                var scanner = JSONScanner(text, limits: limits, from: position)
                do throws(FrameError) {
                    try refuseMore(than: limits, frames.count, at: position)
                    frames.append(try object(at: &scanner, of: body, RawText(bytes), &members, limits))
                    try scanner.finish()
                } catch {
                    throw error.of(.line(line))
                }
                position = end
            }
            guard !frames.isEmpty else { throw FrameError(.empty, "the batch has no frames", at: 0) }
            return frames
        }
    }

    private static func refuseMore(than limits: FrameLimits, _ count: Int, at offset: Int) throws(FrameError) {
        if count == limits.batch {
            throw FrameError(.tooManyFrames, "there are more than \(limits.batch) frames in the batch", at: offset)
        }
    }

    /// Reads the object that `scanner` is before; `members` is memory to be used again.
    private static func object(
        at scanner: inout JSONScanner,
        of body: ByteBuffer,
        _ bytes: RawText,
        _ members: inout [JSONMember],
        _ limits: FrameLimits
    ) throws(FrameError) -> IncomingFrame {
        try scanner.scanObject(into: &members)
        var builder = IncomingFrameBuilder(body, limits: limits)
        try builder.add(members, in: bytes)
        try builder.decodePayload(in: bytes)
        return IncomingFrame(consume builder)
    }
}

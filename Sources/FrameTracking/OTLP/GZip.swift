import CZlib
import NIOCore

/// Compression as `Content-Encoding: gzip` has it (RFC 1952), by zlib.
enum GZip {
    /// Spans repeat each other's names and keys: the fastest level makes an eighth of them, the slowest 6 % less than that.
    private static let level: Int32 = 1
    /// The largest window, and 16 for gzip's header and checksum around the stream.
    private static let windowBits: Int32 = 15 + 16

    /// The content compressed; nil if zlib has no memory for it.
    static func compress(_ content: ByteBuffer) -> ByteBuffer? {
        var stream = z_stream()
        guard
            deflateInit2_(
                &stream,
                level,
                Z_DEFLATED,
                windowBits,
                8,
                Z_DEFAULT_STRATEGY,
                ZLIB_VERSION,
                Int32(MemoryLayout<z_stream>.size)
            ) == Z_OK
        else { return nil }
        defer { deflateEnd(&stream) }
        // With so much room one call is enough, whatever the content.
        let bound = Int(deflateBound(&stream, uLong(content.readableBytes)))
        var compressed = ByteBufferAllocator().buffer(capacity: bound)
        var isComplete = false
        compressed.writeWithUnsafeMutableBytes(minimumWritableBytes: bound) { output in
            content.withUnsafeReadableBytes { input in
                let bytes = input.bindMemory(to: Bytef.self)
                stream.next_in = UnsafeMutablePointer(mutating: bytes.baseAddress)
                stream.avail_in = UInt32(clamping: input.count)
                stream.next_out = output.bindMemory(to: Bytef.self).baseAddress
                stream.avail_out = UInt32(clamping: output.count)
                isComplete = deflate(&stream, Z_FINISH) == Z_STREAM_END
            }
            return Int(stream.total_out)
        }
        return isComplete ? compressed : nil
    }
}

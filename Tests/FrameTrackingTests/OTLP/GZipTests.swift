import CZlib
import NIOCore
import Testing

@testable import FrameTracking

@Suite("gzip")
struct GZipTests {
    @Test("What was compressed comes out as it was", arguments: [0, 1, 100, 70_000, 5_000_000])
    func roundTrip(length: Int) throws {
        var generator = SeededGenerator(seed: UInt64(length))
        let random = (0..<length).map { _ in UInt8.random(in: 0...255, using: &generator) }
        for content in [random, [UInt8](repeating: 7, count: length)] {
            let compressed = try #require(GZip.compress(ByteBuffer(bytes: content)))
            #expect(Array(compressed.readableBytesView.prefix(3)) == [0x1F, 0x8B, 8])
            #expect(try inflated(Array(compressed.readableBytesView), room: length + 1) == content)
        }
    }

    @Test("Spans become much smaller")
    func ratio() throws {
        let spans = SpanBatch((0..<100).map { _ in Fixture.fullSpan() })
        let batch = OTLPEncoder(settings: TracingSettings()).encode(spans)
        let compressed = try #require(GZip.compress(batch))
        #expect(compressed.readableBytes < batch.readableBytes / 3)
    }

    private struct Malformed: Error {}

    /// As zlib itself decompresses it, header and checksum included.
    private func inflated(_ bytes: [UInt8], room: Int) throws -> [UInt8] {
        var input = bytes
        var output = [UInt8](repeating: 0, count: room)
        var stream = z_stream()
        guard inflateInit2_(&stream, 15 + 16, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK else {
            throw Malformed()
        }
        defer { inflateEnd(&stream) }
        let count = input.count
        let status = input.withUnsafeMutableBufferPointer { input in
            output.withUnsafeMutableBufferPointer { output in
                stream.next_in = input.baseAddress
                stream.avail_in = UInt32(count)
                stream.next_out = output.baseAddress
                stream.avail_out = UInt32(room)
                return inflate(&stream, Z_FINISH)
            }
        }
        guard status == Z_STREAM_END else { throw Malformed() }
        return Array(output.prefix(Int(stream.total_out)))
    }
}

import Foundation
import Testing

@testable import FrameBuffer

@Suite("Base64")
struct Base64Tests {
    private func encode(_ bytes: [UInt8]) -> [UInt8] {
        var text = [UInt8](repeating: 0, count: Base64.encodedCount(bytes.count))
        bytes.withUnsafeBytes { bytes in text.withUnsafeMutableBytes { Base64.encode(bytes, into: $0) } }
        return text
    }

    private func decode(_ text: [UInt8]) throws -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: text.withUnsafeBytes(Base64.decodedCount))
        try text.withUnsafeBytes { text in
            try bytes.withUnsafeMutableBytes { bytes in try Base64.decode(text, into: bytes) }
        }
        return bytes
    }

    @Test("writes what Foundation writes, and reads it back, at every length")
    func roundTrip() throws {
        for count in Array(0...100) + [1000, 1001, 1002] {
            let bytes = (0..<count).map { _ in UInt8.random(in: 0...255) }
            let text = encode(bytes)
            #expect(String(decoding: text, as: UTF8.self) == Data(bytes).base64EncodedString())
            #expect(try decode(text) == bytes)
        }
    }

    @Test(
        "names the first character that can't stand where it does",
        arguments: [
            ("A", 1), ("AA", 2), ("AAA", 3), ("AAAAA", 5), ("=", 0), ("====", 0), ("A===", 1), ("AA=A", 2),
            ("AAAA====", 4), ("AA==AAAA", 2),
            ("AAAAAAAAAAAAAAAA!AAA", 16), ("AAAA\nAAAA", 4), (" AAA", 0), ("AA-_", 2), ("AAAAAA=", 6),
            ("AAAAAAA\u{e9}", 7), ("AAAAA=A=", 5),
        ]
    )
    func invalid(text: String, offset: Int) {
        #expect(throws: Base64.Invalid(offset: offset)) { try decode(Array(text.utf8)) }
    }

    /// Foundation is laxer: it also takes padding in odd places.
    @Test("takes no random text for what it is not, and refuses none that Foundation would write")
    func randomText() {
        let seed = UInt64.random(in: 0 ... .max)
        var generator = SeededGenerator(seed: seed)
        let alphabet = Array("AZaz09+/==-\n".utf8)
        for _ in 0..<20_000 {
            let text = (0..<Int.random(in: 0...40, using: &generator)).map { _ in
                alphabet.randomElement(using: &generator) ?? 0
            }
            let expected = Data(base64Encoded: Data(text))
            if let bytes = try? decode(text) {
                #expect(Data(bytes) == expected, "seed \(seed): \(String(decoding: text, as: UTF8.self))")
            } else {
                #expect(
                    expected?.base64EncodedData() != Data(text),
                    "seed \(seed): \(String(decoding: text, as: UTF8.self))"
                )
            }
        }
    }
}

import Testing

@testable import RedisClient

@Suite("Commands in RESP")
struct RESPEncoderTests {
    @Test("Words are written with their lengths, whatever bytes they hold")
    func words() {
        let text = encoded { encoder in
            encoder.array(4)
            encoder.bulk("SET")
            encoder.bulk(String("ä\r\n"))
            encoder.bulk(-9_223_372_036_854_775_808)
            withUnsafeBytes(of: (UInt8(0), UInt8(255))) { encoder.bulk($0) }
        }
        #expect(
            text == Array("*4\r\n$3\r\nSET\r\n$4\r\nä\r\n\r\n$20\r\n-9223372036854775808\r\n$2\r\n".utf8) + [0, 255]
                + Array("\r\n".utf8)
        )
    }

    @Test("Numbers are written as Swift prints them", arguments: [0, 9, 10, -1, 99, 100, 12345, .max, .min])
    func numbers(number: Int) {
        let digits = String(number)
        #expect(encoded { $0.bulk(number) } == Array("$\(digits.utf8.count)\r\n\(digits)\r\n".utf8))
    }

    @Test("No bulk string needs more room than is said")
    func room() {
        for count in [0, 1, 9, 10, 99, 1000] {
            let written = encoded { encoder in
                Array(repeating: UInt8(7), count: count).withUnsafeBytes { encoder.bulk($0) }
            }
            #expect(written.count <= RESPEncoder.bulkSize(count))
        }
    }

    private func encoded(_ encode: (inout RESPEncoder) -> Void) -> [UInt8] {
        withUnsafeTemporaryAllocation(byteCount: 4096, alignment: 1) { memory in
            var encoder = RESPEncoder(into: memory)
            encode(&encoder)
            return Array(memory[..<encoder.count])
        }
    }
}

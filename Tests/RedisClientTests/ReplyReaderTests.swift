import NIOCore
import RedisTesting
import Testing

@testable import RedisClient

@Suite("RESP replies")
struct ReplyReaderTests {
    @Test("A reply is read whole, however it was cut")
    func cut() throws {
        let bytes = Array("*3\r\n$3\r\na\0b\r\n:42\r\n*1\r\n$-1\r\n".utf8)
        for cut in 1..<bytes.count {
            var reader = ReplyReader(limit: 1000)
            try feed(&reader, bytes[..<cut])
            #expect(try reader.next() == nil)
            try feed(&reader, bytes[cut...])
            let value = try #require(try reader.next()).value
            #expect(value.count == 3)
            #expect(value[0]?.withBytes { Array($0) } == [97, 0, 98])
            #expect(value[1]?.integer == 42)
            #expect(value[2]?[0]?.isNull == true)
            #expect(value[3] == nil)
        }
    }

    @Test("Replies that come together are told apart, and each keeps what it says", arguments: 1...40)
    func together(cut: Int) throws {
        let texts = [
            "$3\r\none\r\n", "-ERR two\r\n", ":-9223372036854775808\r\n", "*2\r\n+four\r\n*0\r\n", "*-1\r\n",
            "$0\r\n\r\n",
        ]
        let bytes = Array(texts.joined().utf8)
        var reader = ReplyReader(limit: 1000)
        var replies: [RedisReply] = []
        for start in stride(from: 0, to: bytes.count, by: cut) {
            try feed(&reader, bytes[start..<min(start + cut, bytes.count)])
            while let reply = try reader.next() { replies.append(reply) }
        }
        let values = replies.map(\.value)
        #expect(values.count == texts.count)
        #expect(values[0].string == "one")
        #expect(values[1].error == "ERR two")
        #expect(values[2].integer == .min)
        #expect(values[3][0]?.string == "four")
        #expect(values[3][1]?.count == 0)
        #expect(values[4].isNull)
        #expect(values[5].string == "")
    }

    @Test("A value outlives its reply's other owners")
    func lifetime() throws {
        var reader = ReplyReader(limit: 1000)
        try feed(&reader, Array("*2\r\n$1\r\na\r\n$1\r\nb\r\n".utf8)[...])
        var reply = try reader.next()
        let value = reply?.value[1]
        reply = nil
        #expect(value?.string == "b")
    }

    @Test("Names and values come in pairs, or not at all")
    func pairs() throws {
        #expect(try pairs(of: "*4\r\n$1\r\na\r\n$1\r\n1\r\n$1\r\nb\r\n$0\r\n\r\n") == ["a=1", "b="])
        #expect(try pairs(of: "*0\r\n") == [])
        #expect(try pairs(of: "*1\r\n$1\r\na\r\n") == nil)
        #expect(try pairs(of: "*2\r\n$1\r\na\r\n:1\r\n") == nil)
        #expect(try pairs(of: "*-1\r\n") == nil)
    }

    @Test(
        "What is larger than the bound, or no RESP, is refused",
        arguments: [
            "*2147483647\r\n", "*1048577\r\n", "x\r\n", "%1\r\n+a\r\n+b\r\n", ":12a\r\n", ":\r\n", ":-\r\n", "$\r\n",
            "$-2\r\n", "*-2\r\n", ":9223372036854775808\r\n", "+a\rb\r\n", "$1\r\nabc",
            String(repeating: "*2\r\n", count: 9),
        ]
    )
    func refused(text: String) throws {
        var reader = ReplyReader(limit: 1000)
        #expect(throws: RedisError.self) {
            try feed(&reader, Array(text.utf8)[...])
            _ = try reader.next()
        }
    }

    @Test("A reply that grows over the limit is refused before it is whole")
    func tooLarge() throws {
        var reader = ReplyReader(limit: 1000)
        try feed(&reader, Array("$9999999999\r\n".utf8)[...])
        #expect(try reader.next() == nil)
        #expect(throws: RedisError.self) { try feed(&reader, Array(repeating: 0, count: 1000)[...]) }
    }

    @Test("Random bytes never do harm")
    func random() throws {
        let seed = UInt64.random(in: .min ... .max)
        var generator = SeededGenerator(seed: seed)
        let alphabet = Array("*$:+-0123456789\r\nab".utf8)
        for _ in 0..<2000 {
            var reader = ReplyReader(limit: 10_000)
            let bytes = (0..<Int.random(in: 1...60, using: &generator)).map { _ in
                alphabet.randomElement(using: &generator) ?? 0
            }
            do {
                try feed(&reader, bytes[...])
                while let reply = try reader.next() { _ = reply.value.string }
            } catch {
                #expect(error is RedisError, "seed \(seed)")
            }
        }
    }

    private func feed(_ reader: inout ReplyReader, _ bytes: ArraySlice<UInt8>) throws {
        try reader.feed(ByteBuffer(bytes: bytes))
    }

    private func pairs(of text: String) throws -> [String]? {
        var reader = ReplyReader(limit: 1000)
        try feed(&reader, Array(text.utf8)[...])
        let value = try #require(try reader.next()).value
        var pairs: [String] = []
        let isWhole = value.withPairs { name, content in
            pairs.append(String(decoding: name, as: UTF8.self) + "=" + String(decoding: content, as: UTF8.self))
        }
        return isWhole ? pairs : nil
    }
}

import EventLoopExecution
import NIOCore
import NIOEmbedded
import NIOHTTP1
import Testing

@testable import HTTPServer

@Suite("Random input", .timeLimit(.minutes(2)))
struct ConnectionFuzzTests {
    private func makeChannel(_ configuration: HTTPServerConfiguration = .init()) async throws -> NIOAsyncTestingChannel
    {
        let channel = NIOAsyncTestingChannel()
        try await channel.testingEventLoop.submit {
            let loop = HTTPServerLoop(
                executor: EventLoopExecutor(channel.eventLoop),
                configuration: configuration,
                counters: HTTPServerCounters(),
                responder: ClosureResponder { echo($0) }
            )
            try loop.accept(channel)
        }.get()
        try await channel.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 1))
        return channel
    }

    @Test("Valid pipelined requests are answered alike however their bytes are split")
    func splits() async throws {
        let seed = UInt64.random(in: .min ... .max)
        var generator = SeededGenerator(seed: seed)
        for round in 0..<60 {
            let channel = try await makeChannel()
            var input = ""
            var expected: [String] = []
            for number in 0..<Int.random(in: 1...20, using: &generator) {
                let body = String(repeating: "b", count: Int.random(in: 0...300, using: &generator))
                switch Int.random(in: 0..<4, using: &generator) {
                case 0:
                    input += "GET /\(number)?a=\(number) HTTP/1.1\r\nHost: x\r\n\r\n"
                    expected.append("GET /\(number)?a=\(number) \"\"")
                case 1:
                    input += "POST /\(number) HTTP/1.1\r\nHost: x\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)"
                    expected.append("POST /\(number) \"\(body)\"")
                default:
                    input += "POST /\(number) HTTP/1.1\r\nX: y\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
                    var rest = Substring(body)
                    while !rest.isEmpty {
                        let part = rest.prefix(Int.random(in: 1...100, using: &generator))
                        input += String(part.utf8.count, radix: 16) + "\r\n\(part)\r\n"
                        rest = rest.dropFirst(part.count)
                    }
                    input += "0\r\n\r\n"
                    expected.append("POST /\(number) \"\(body)\"")
                }
            }
            var rest = ByteBuffer(string: input)
            while let part = rest.readSlice(
                length: min(rest.readableBytes, Int.random(in: 1...200, using: &generator))
            ),
                part.readableBytes > 0
            {
                try await channel.writeInbound(part)
            }
            for text in expected {
                let response = String(buffer: try await channel.waitForOutboundWrite(as: ByteBuffer.self))
                #expect(response.hasPrefix("HTTP/1.1 200 OK\r\n"), "seed \(seed), round \(round)")
                #expect(response.hasSuffix("\r\n\r\n\(text)"), "seed \(seed), round \(round)")
            }
            _ = try await channel.finish(acceptAlreadyClosed: true)
        }
    }

    @Test("Random bytes, and valid requests with random faults, never bring the connection down")
    func noise() async throws {
        let seed = UInt64.random(in: .min ... .max)
        var generator = SeededGenerator(seed: seed)
        let valid = Array(
            ("POST /a?b=c HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"
                + "POST /b HTTP/1.0\r\nContent-Length: 5\r\nConnection: keep-alive\r\n\r\nabcdeGET /c HTTP/1.1\r\nHost: x\r\n\r\n")
                .utf8
        )
        var configuration = HTTPServerConfiguration()
        configuration.maximumBodySize = 100
        for _ in 0..<300 {
            let channel = try await makeChannel(configuration)
            var bytes = valid
            if Bool.random(using: &generator) {
                for _ in 0..<Int.random(in: 1...4, using: &generator) {
                    let index = Int.random(in: bytes.indices, using: &generator)
                    switch Int.random(in: 0..<3, using: &generator) {
                    case 0: bytes[index] = .random(in: 0...255, using: &generator)
                    case 1: bytes.remove(at: index)
                    default: bytes.insert(.random(in: 0...255, using: &generator), at: index)
                    }
                }
            } else {
                bytes = (0..<Int.random(in: 1...500, using: &generator)).map { _ in
                    .random(in: 0...255, using: &generator)
                }
            }
            var rest = ByteBuffer(bytes: bytes)
            while rest.readableBytes > 0, channel.isActive {
                let count = min(rest.readableBytes, Int.random(in: 1...100, using: &generator))
                guard let part = rest.readSlice(length: count) else { break }
                // A connection that was closed meanwhile is one of the right outcomes.
                _ = try? await channel.writeInbound(part)
            }
            channel.pipeline.fireUserInboundEventTriggered(ChannelEvent.inputClosed)
            await channel.testingEventLoop.run()
            while let response = try await channel.readOutbound(as: ByteBuffer.self) {
                let text = String(buffer: response)
                #expect(text.isEmpty || text.hasPrefix("HTTP/1.1 "), "seed \(seed)")
            }
            _ = try? await channel.finish(acceptAlreadyClosed: true)
        }
    }
}

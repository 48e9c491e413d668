import NIOConcurrencyHelpers
import NIOCore
import NIOHTTP1
import Testing

@testable import HTTPServer

@Suite("A response of unknown length", .timeLimit(.minutes(1)))
struct LiveStreamTests {
    private let request = "GET / HTTP/1.1\r\nHost: x\r\n\r\n"

    private static func response(_ stream: @escaping @Sendable (HTTPBodyWriter) async -> Void) -> HTTPResponse {
        HTTPResponse(status: .ok, headers: ["Content-Type": "text/plain"], stream: stream)
    }

    @Test("comes bit by bit, without a length, and ends with its connection")
    func bitByBit() async throws {
        let next = Signal<String>()
        try await withServer(
            respond: { _ in
                Self.response { writer in
                    while let text = await next.next(), text != "end" {
                        try? await writer.write(ByteBuffer(string: text))
                    }
                }
            }
        ) { server in
            let socket = try server.connect()
            try await socket.send(request + request)
            let head = try await socket.receive(through: "\r\n\r\n")
            #expect(head.hasPrefix("HTTP/1.1 200 OK\r\n"))
            #expect(head.contains("\r\nConnection: close\r\n"))
            #expect(!head.contains("Content-Length"))
            for text in ["one", "two"] {
                next.send(text)
                #expect(try await socket.receive(count: 3) == text)
            }
            next.send("end")
            let (rest, end) = try await socket.receiveAll()
            #expect(rest.isEmpty)
            #expect(end == .orderly)
            socket.close()
        }
    }

    @Test("has only its head for HEAD, and is not begun")
    func head() async throws {
        try await withServer(
            respond: { request in
                request.path == "/" ? Self.response { _ in Issue.record("it was begun") } : echo(request)
            }
        ) { server in
            let socket = try server.connect()
            try await socket.send("HEAD / HTTP/1.1\r\nHost: x\r\n\r\nGET /next HTTP/1.1\r\nHost: x\r\n\r\n")
            let text = try await socket.receive(through: "GET /next \"\"")
            #expect(text.occurrences(of: "HTTP/1.1 200 OK\r\n") == 2)
            socket.close()
        }
    }

    @Test("is cancelled when its reader closes, if only its sending half", arguments: ["close", "half", "reset"])
    func readerLeaves(how: String) async throws {
        let ended = Signal<Bool>()
        try await withServer(
            respond: { _ in
                Self.response { writer in
                    try? await writer.write(ByteBuffer(string: "begun"))
                    await untilCancelled()
                    ended.send(Task.isCancelled)
                }
            }
        ) { server in
            let socket = try server.connect()
            try await socket.send(request)
            _ = try await socket.receive(through: "begun")
            switch how {
            case "half": socket.shutdownOutput()
            case "reset": socket.reset()
            default: socket.close()
            }
            #expect(await ended.next() == true)
            if how == "half" {
                #expect(try await socket.receiveAll().end == .orderly)
                socket.close()
            }
        }
    }

    @Test("is cancelled when the server stops, which waits for it")
    func stopping() async throws {
        let ended = Signal<Void>()
        try await withServer(
            configure: { $0.stopGrace = .seconds(20) },
            respond: { _ in
                Self.response { writer in
                    await untilCancelled()
                    try? await writer.write(ByteBuffer(string: "bye"))
                    ended.send(())
                }
            }
        ) { server in
            let socket = try server.connect()
            try await socket.send(request)
            _ = try await socket.receive(through: "\r\n\r\n")
            async let stopped: Void = server.server.stop()
            let (rest, end) = try await socket.receiveAll()
            #expect(rest == "bye")
            #expect(end == .orderly)
            socket.close()
            await stopped
            await ended.next()
        }
    }

    @Test("is written no faster than its reader reads, and one that reads nothing is reset")
    func slowReader() async throws {
        let written = NIOLockedValueBox(0)
        let ended = Signal<Void>()
        let part = ByteBuffer(repeating: 0x78, count: 100_000)
        try await withServer(
            configure: {
                $0.stallDeadline = .milliseconds(400)
                $0.deliveryDelay = .milliseconds(50)
            },
            respond: { _ in
                Self.response { writer in
                    do {
                        while true {
                            try await writer.write(part)
                            written.withLockedValue { $0 += part.readableBytes }
                        }
                    } catch {
                        ended.send(())
                    }
                }
            }
        ) { server in
            let socket = try server.connect(receiveBuffer: 4096)
            try await socket.send(request)
            await ended.next()
            // What the kernel's buffers hold, and no more.
            #expect(written.withLockedValue { $0 } < 20_000_000)
            #expect(try await socket.receiveAll().end == .reset)
            socket.close()
        }
    }
}

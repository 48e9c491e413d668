import NIOCore
import NIOHTTP1
import NIOPosix
import Testing

@testable import HTTPServer

@Suite("A server that stops", .timeLimit(.minutes(1)))
struct LiveStoppingTests {
    private let readiness = "GET /ready HTTP/1.1\r\nHost: x\r\n\r\n"

    @Test("Polls end, an upload under way is answered, idle connections are closed, and nothing new is accepted")
    func everything() async throws {
        let started = Signal<Void>()
        try await withServer(
            configure: {
                $0.stopGrace = .seconds(20)
                $0.quiescingIdle = .milliseconds(200)
            },
            respond: { request in
                if request.path == "/poll" {
                    started.send(())
                    await untilCancelled()
                }
                return echo(request)
            }
        ) { server in
            let idle = try server.connect()
            try await idle.send("GET /idle HTTP/1.1\r\nHost: x\r\n\r\n")
            _ = try await idle.receive(through: "GET /idle \"\"")
            let poll = try server.connect()
            try await poll.send("GET /poll HTTP/1.1\r\nHost: x\r\n\r\n")
            await started.next()
            let upload = try server.connect()
            try await upload.send(
                "POST /upload HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n"
            )
            _ = try await upload.receive(through: "\r\n\r\n")

            async let stopped: Void = server.server.stop()
            let (pollText, _) = try await poll.receiveAll()
            #expect(pollText.contains("\r\nConnection: close\r\n"))
            #expect(pollText.hasSuffix("GET /poll \"\""))
            #expect(throws: RawSocket.Failure.self) { try server.connect() }
            try await upload.send("data")
            let (uploadText, uploadEnd) = try await upload.receiveAll()
            #expect(uploadText.contains("\r\nConnection: close\r\n"))
            #expect(uploadText.hasSuffix("POST /upload \"data\""))
            #expect(uploadEnd == .orderly)
            #expect(try await idle.receiveAll() == ("", .orderly))
            for socket in [poll, upload, idle] { socket.close() }
            await stopped
        }
    }

    @Test("A request on an idle connection is still answered, and knows that the server stops")
    func readinessProbe() async throws {
        let polling = Signal<Void>()
        try await withServer(
            // On one loop, so that the poll's end says that the idle connection knows too.
            group: MultiThreadedEventLoopGroup.singleton.next(),
            configure: {
                $0.stopGrace = .seconds(20)
                $0.quiescingIdle = .seconds(20)
            },
            respond: { request in
                if request.path == "/poll" {
                    polling.send(())
                    await untilCancelled()
                }
                return HTTPResponse(status: request.isServerStopping ? .serviceUnavailable : .ok)
            }
        ) { server in
            let idle = try server.connect()
            try await idle.send(readiness)
            #expect(try await idle.receive(through: "\r\n\r\n").hasPrefix("HTTP/1.1 200 "))
            let poll = try server.connect()
            try await poll.send("GET /poll HTTP/1.1\r\nHost: x\r\n\r\n")
            await polling.next()

            async let stopped: Void = server.server.stop()
            _ = try await poll.receiveAll()
            poll.close()
            try await idle.send(readiness)
            let (text, end) = try await idle.receiveAll()
            #expect(text.hasPrefix("HTTP/1.1 503 "))
            #expect(end == .orderly)
            idle.close()
            await stopped
        }
    }

    @Test("A hand-over gets its verdict before the end")
    func verdict() async throws {
        let verdicts = Signal<HTTPDelivery>()
        try await withServer(
            configure: {
                $0.stopGrace = .seconds(20)
                $0.quiescingIdle = .milliseconds(10)
                $0.deliveryDelay = .milliseconds(300)
            },
            respond: { request in
                echo(request) { verdicts.send($0) }
            }
        ) { server in
            let socket = try server.connect()
            try await socket.send(readiness)
            _ = try await socket.receive(through: "\"\"")
            async let stopped: Void = server.server.stop()
            #expect(try await socket.receiveAll().end == .orderly)
            #expect(await verdicts.next() == .reached)
            socket.close()
            await stopped
        }
    }

    @Test("After the grace time what is left is closed, and what is unproven has failed")
    func graceTime() async throws {
        let verdicts = Signal<HTTPDelivery>()
        try await withServer(
            configure: {
                $0.stopGrace = .milliseconds(100)
                $0.deliveryDelay = .hours(1)
            },
            respond: { request in
                echo(request) { verdicts.send($0) }
            }
        ) { server in
            let socket = try server.connect()
            try await socket.send(readiness)
            _ = try await socket.receive(through: "\"\"")
            await server.server.stop()
            #expect(await verdicts.next() == .failed)
            #expect(try await socket.receiveAll().end == .reset)
            socket.close()
        }
    }
}

import NIOCore
import NIOHTTP1
import Testing

@testable import HTTPServer

@Suite("The verdict on a hand-over, on a socket", .timeLimit(.minutes(1)))
struct LiveHandoverTests {
    /// Runs a server whose answer to each request is tracked; the request begins, and waits for what `proceed` sends.
    private func withPoll(
        deliveryDelay: TimeAmount = .hours(1),
        stallDeadline: TimeAmount = .hours(1),
        body: ByteBuffer = ByteBuffer(string: "frame"),
        waitsForCancellation: Bool = false,
        _ run: (TestServer, _ verdicts: Signal<HTTPDelivery>, _ started: Signal<Void>) async throws -> Void
    ) async throws {
        let verdicts = Signal<HTTPDelivery>()
        let started = Signal<Void>()
        try await withServer(
            configure: {
                $0.deliveryDelay = deliveryDelay
                $0.stallDeadline = stallDeadline
            },
            respond: { _ in
                started.send(())
                if waitsForCancellation { await untilCancelled() }
                return HTTPResponse(status: .ok, body: body) { verdicts.send($0) }
            }
        ) { server in
            try await run(server, verdicts, started)
        }
    }

    private let poll = "GET /poll HTTP/1.1\r\nHost: x\r\n\r\n"

    @Test("A next request: reached")
    func nextRequest() async throws {
        try await withPoll { server, verdicts, _ in
            let socket = try server.connect()
            try await socket.send(poll)
            _ = try await socket.receive(through: "frame")
            try await socket.send(poll)
            #expect(await verdicts.next() == .reached)
            socket.reset()
            #expect(await verdicts.next() == .failed)
        }
    }

    @Test("An orderly close after reading: reached")
    func orderlyClose() async throws {
        try await withPoll { server, verdicts, _ in
            let socket = try server.connect()
            try await socket.send(poll)
            _ = try await socket.receive(through: "frame")
            socket.close()
            #expect(await verdicts.next() == .reached)
        }
    }

    @Test("A close of the sending half after reading: reached, and the connection is closed")
    func halfClose() async throws {
        try await withPoll { server, verdicts, _ in
            let socket = try server.connect()
            try await socket.send(poll)
            _ = try await socket.receive(through: "frame")
            socket.shutdownOutput()
            #expect(await verdicts.next() == .reached)
            #expect(try await socket.receiveAll().end == .orderly)
            socket.close()
        }
    }

    @Test("A connection that stays open: reached after its time")
    func openConnection() async throws {
        try await withPoll(deliveryDelay: .milliseconds(100)) { server, verdicts, _ in
            let socket = try server.connect()
            try await socket.send(poll)
            _ = try await socket.receive(through: "frame")
            #expect(await verdicts.next() == .reached)
            socket.close()
        }
    }

    @Test("`Connection: close` and a client that waits for the end: reached, then the end")
    func connectionClose() async throws {
        try await withPoll(deliveryDelay: .milliseconds(100)) { server, verdicts, _ in
            let socket = try server.connect()
            try await socket.send("GET /poll HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            let (text, end) = try await socket.receiveAll()
            #expect(text.hasSuffix("frame"))
            #expect(end == .orderly)
            #expect(await verdicts.next() == .reached)
            socket.close()
        }
    }

    @Test("A reset before the response was read: failed")
    func resetUnread() async throws {
        try await withPoll { server, verdicts, started in
            let socket = try server.connect()
            try await socket.send(poll)
            await started.next()
            socket.reset()
            #expect(await verdicts.next() == .failed)
        }
    }

    @Test("A reset after reading can't be told from one before: failed")
    func resetRead() async throws {
        try await withPoll { server, verdicts, _ in
            let socket = try server.connect()
            try await socket.send(poll)
            _ = try await socket.receive(through: "frame")
            socket.reset()
            #expect(await verdicts.next() == .failed)
        }
    }

    @Test("A close before the response is written: failed")
    func closeBefore() async throws {
        try await withPoll(waitsForCancellation: true) { server, verdicts, started in
            let socket = try server.connect()
            try await socket.send(poll)
            await started.next()
            socket.close()
            #expect(await verdicts.next() == .failed)
        }
    }

    @Test("A close of the sending half while waiting, and the response read: reached")
    func halfCloseWhileWaiting() async throws {
        try await withPoll(waitsForCancellation: true) { server, verdicts, started in
            let socket = try server.connect()
            try await socket.send(poll)
            await started.next()
            socket.shutdownOutput()
            let (text, end) = try await socket.receiveAll()
            #expect(text.hasSuffix("frame"))
            #expect(end == .orderly)
            #expect(await verdicts.next() == .reached)
            socket.close()
        }
    }

    @Test("A peer that never reads, and whose kernel takes only a part: reset, then failed")
    func neverReads() async throws {
        try await withPoll(
            deliveryDelay: .milliseconds(50),
            stallDeadline: .milliseconds(300),
            body: ByteBuffer(repeating: 0x61, count: 20_000_000)
        ) { server, verdicts, _ in
            let socket = try server.connect(receiveBuffer: 4096)
            try await socket.send(poll)
            #expect(await verdicts.next() == .failed)
            #expect(try await socket.receiveAll().end == .reset)
            socket.close()
        }
    }

    @Test("A large response is reached only when all of it was acknowledged")
    func largeResponse() async throws {
        try await withPoll(deliveryDelay: .milliseconds(50), body: ByteBuffer(repeating: 0x61, count: 20_000_000)) {
            server,
            verdicts,
            _ in
            let socket = try server.connect()
            try await socket.send(poll)
            async let verdict = verdicts.next()
            let text = try await socket.receive(count: 20_000_000)
            #expect(text.hasPrefix("HTTP/1.1 200 OK"))
            #expect(await verdict == .reached)
            socket.close()
        }
    }

    @Test(
        "Whatever a client does at the moment of the response: it never counts as reached what the client didn't read"
    )
    func race() async throws {
        let seed = UInt64.random(in: .min ... .max)
        var generator = SeededGenerator(seed: seed)
        let started = Signal<Void>()
        let go = Signal<Void>()
        let verdicts = Signal<HTTPDelivery>()
        try await withServer(
            configure: { $0.resetDelay = .milliseconds(20) },
            respond: { _ in
                started.send(())
                await go.next()
                return HTTPResponse(status: .ok, body: ByteBuffer(string: "frame")) { verdicts.send($0) }
            }
        ) { server in
            var outcomes: Set<String> = []
            for round in 0..<400 {
                let socket = try server.connect()
                try await socket.send(poll)
                await started.next()
                go.send(())
                for _ in 0..<Int.random(in: 0...400, using: &generator) { await Task.yield() }
                let hasRead = socket.receiveNow().hasSuffix("frame")
                switch Int.random(in: 0..<3, using: &generator) {
                case 0: socket.reset()
                case 1: socket.close()
                default:
                    socket.shutdownOutput()
                    socket.close()
                }
                let verdict = await verdicts.next()
                #expect(hasRead || verdict == .failed, "seed \(seed), round \(round)")
                outcomes.insert("\(hasRead ? "read" : "unread"), \(verdict == .reached ? "reached" : "failed")")
            }
            #expect(outcomes.isSuperset(of: ["read, reached", "read, failed", "unread, failed"]), "seed \(seed)")
        }
    }

    @Test("Requests pipelined behind a poll in the same packet prove nothing")
    func pipelined() async throws {
        try await withPoll { server, verdicts, _ in
            let socket = try server.connect()
            try await socket.send(poll + poll)
            _ = try await socket.receive("frame", times: 2)
            socket.reset()
            #expect(await verdicts.next() == .failed)
            #expect(await verdicts.next() == .failed)
        }
    }
}

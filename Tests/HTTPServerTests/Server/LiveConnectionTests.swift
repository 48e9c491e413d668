import NIOCore
import NIOHTTP1
import NIOPosix
import Testing

@testable import HTTPServer

@Suite("A connection on a socket", .timeLimit(.minutes(1)))
struct LiveConnectionTests {
    @Test("Requests on one connection are answered in order, also pipelined ones in one packet")
    func pipelining() async throws {
        try await withServer { server in
            let socket = try server.connect()
            try await socket.send("GET /a?b=c HTTP/1.1\r\nHost: x\r\n\r\n")
            let first = try await socket.receive(through: "GET /a?b=c \"\"")
            #expect(first.hasPrefix("HTTP/1.1 200 OK\r\nDate: "))
            #expect(first.contains("\r\nContent-Length: 13\r\n\r\n"))
            try await socket.send(
                "POST /1 HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nonePOST /2 HTTP/1.1\r\nHost: x\r\n"
                    + "Transfer-Encoding: chunked\r\n\r\n3\r\ntwo\r\n1\r\n!\r\n0\r\n\r\nHEAD /3 HTTP/1.1\r\nHost: x\r\n\r\n"
                    + "GET /4 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\nGET /5 HTTP/1.1\r\nHost: x\r\n\r\n"
            )
            let (text, end) = try await socket.receiveAll()
            let parts = text.split(separator: "HTTP/1.1 200 OK")
            try #require(parts.count == 4)
            #expect(parts[0].hasSuffix("\r\n\r\nPOST /1 \"one\""))
            #expect(parts[1].hasSuffix("\r\n\r\nPOST /2 \"two!\""))
            #expect(parts[2].hasSuffix("Content-Length: 10\r\n\r\n"))
            #expect(parts[3].contains("Connection: close\r\n"))
            #expect(parts[3].hasSuffix("\r\n\r\nGET /4 \"\""))
            #expect(end == .orderly)
            socket.close()
        }
    }

    @Test("A body far larger than a read arrives whole, and so does its answer")
    func largeBody() async throws {
        try await withServer { server in
            let socket = try server.connect()
            let body = String(repeating: "0123456789abcdef", count: 200_000)
            try await socket.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: \(body.utf8.count)\r\n\r\n")
            async let sent: Void = socket.send(body)
            let text = try await socket.receive(through: "f\"")
            try await sent
            #expect(text.hasSuffix("\r\n\r\nPOST / \"\(body)\""))
            socket.close()
        }
    }

    @Test("100 Continue comes before the body is sent")
    func expectContinue() async throws {
        try await withServer { server in
            let socket = try server.connect()
            try await socket.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n")
            #expect(try await socket.receive(through: "\r\n\r\n") == "HTTP/1.1 100 Continue\r\n\r\n")
            try await socket.send("ab")
            _ = try await socket.receive(through: "POST / \"ab\"")
            socket.close()
        }
    }

    @Test(
        "What can't be taken is refused with its status as a problem document, and the connection closed",
        arguments: [
            ("GET / HTTP/1.1\r\n\r\n", 400),
            ("GET / HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n", 400),
            ("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
            ("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\n0\r\n\r\n", 400),
            ("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab", 400),
            ("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999999\r\n\r\nab", 400),
            ("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", 400),
            ("nonsense\r\n\r\n", 400),
            ("GET / HTTP/1.1\r\nHost : x\r\n\r\n", 400),
            ("GET / HTTP/1.1\r\nHost: x\r\nX: a\r\n b\r\n\r\n", 400),
            ("GET / HTTP/2.0\r\nHost: x\r\n\r\n", 505),
            ("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1001\r\n\r\n", 413),
            ("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1001\r\nExpect: 100-continue\r\n\r\n", 413),
            ("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nExpect: other\r\n\r\n", 417),
            ("GET / HTTP/1.1\r\nHost: x\r\nX: \(String(repeating: "a", count: 70_000))\r\n\r\n", 431),
            ("GET / HTTP/1.1\r\nHost: x\r\n\(String(repeating: "X: y\r\n", count: 200))\r\n", 431),
        ]
    )
    func refusals(request: String, status: Int) async throws {
        try await withServer(configure: { $0.maximumBodySize = 1000 }) { server in
            let socket = try server.connect()
            // What is sent after the refusal must neither be read as a request nor cost the client the answer.
            try await socket.send(request + "GET /leftover HTTP/1.1\r\nHost: x\r\n\r\n")
            let (text, end) = try await socket.receiveAll()
            #expect(text.hasPrefix("HTTP/1.1 \(status) "))
            #expect(text.contains("\r\nContent-Type: application/problem+json\r\n"))
            #expect(text.contains("\r\nConnection: close\r\n"))
            #expect(text.contains("\"status\":\(status)"))
            #expect(!text.contains("leftover"))
            #expect(end == .orderly)
            socket.close()
        }
    }

    @Test("A client that goes on sending a chunked body over the limit can read its 413")
    func chunkedTooLarge() async throws {
        try await withServer(configure: { $0.maximumBodySize = 1_000_000 }) { server in
            let socket = try server.connect()
            try await socket.send("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
            let chunk = "10000\r\n" + String(repeating: "x", count: 65_536) + "\r\n"
            for _ in 0..<100 { try await socket.send(chunk) }
            try await socket.send("0\r\n\r\n")
            let (text, end) = try await socket.receiveAll()
            #expect(text.hasPrefix("HTTP/1.1 413 "))
            #expect(end == .orderly)
            socket.close()
        }
    }

    @Test("The exact limit is taken, by length and by chunks")
    func exactLimit() async throws {
        try await withServer(configure: { $0.maximumBodySize = 10 }) { server in
            let socket = try server.connect()
            try await socket.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n0123456789")
            _ = try await socket.receive(through: "POST / \"0123456789\"")
            try await socket.send(
                "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\na\r\n0123456789\r\n0\r\n\r\n"
            )
            _ = try await socket.receive(through: "POST / \"0123456789\"")
            socket.close()
        }
    }

    @Test("HTTP/1.0 gets its answer and the end, or is kept if it asks")
    func http10() async throws {
        try await withServer { server in
            let socket = try server.connect()
            try await socket.send("GET /a HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
            #expect(try await socket.receive(through: "GET /a \"\"").contains("\r\nConnection: keep-alive\r\n"))
            try await socket.send("GET /b HTTP/1.0\r\n\r\n")
            let (text, end) = try await socket.receiveAll()
            #expect(text.hasSuffix("GET /b \"\""))
            #expect(end == .orderly)
            socket.close()
        }
    }

    @Test("A client that has closed its sending half gets its answers before the end")
    func halfClosed() async throws {
        try await withServer { server in
            let socket = try server.connect()
            try await socket.send(
                "POST /1 HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\naGET /2 HTTP/1.1\r\nHost: x\r\n\r\n"
            )
            socket.shutdownOutput()
            let (text, end) = try await socket.receiveAll()
            #expect(text.contains("POST /1 \"a\"HTTP/1.1 200 OK"))
            #expect(text.hasSuffix("GET /2 \"\""))
            #expect(end == .orderly)
            socket.close()
        }
    }

    @Test(
        "A long poll ends when its client closes, resets, or closes its sending half",
        arguments: ["close", "reset", "half"]
    )
    func cancellation(how: String) async throws {
        let started = Signal<Void>()
        let ended = Signal<Bool>()
        try await withServer(
            respond: { request in
                started.send(())
                await untilCancelled()
                ended.send(Task.isCancelled)
                return echo(request)
            }
        ) { server in
            let socket = try server.connect()
            try await socket.send("GET /poll HTTP/1.1\r\nHost: x\r\n\r\n")
            await started.next()
            switch how {
            case "close": socket.close()
            case "reset": socket.reset()
            default: socket.shutdownOutput()
            }
            #expect(await ended.next() == true)
            if how == "half" {
                #expect(try await socket.receiveAll().text.hasSuffix("GET /poll \"\""))
                socket.close()
            }
        }
    }

    @Test("That one request was cancelled cancels none that come after it")
    func laterRequests() async throws {
        let started = Signal<Void>()
        let ended = Signal<Bool>()
        try await withServer(
            respond: { request in
                if request.path == "/poll" {
                    started.send(())
                    await untilCancelled()
                }
                ended.send(Task.isCancelled)
                return echo(request)
            }
        ) { server in
            let poll = try server.connect()
            try await poll.send("GET /poll HTTP/1.1\r\nHost: x\r\n\r\n")
            await started.next()
            poll.reset()
            #expect(await ended.next() == true)
            for _ in 0..<3 {
                let socket = try server.connect()
                try await socket.send("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
                #expect(await ended.next() == false)
                #expect(try await socket.receiveAll().text.hasSuffix("GET / \"\""))
                socket.close()
            }
        }
    }

    @Test("The tasks of a connection run on its event loop")
    func executor() async throws {
        let loops = Signal<Bool>()
        try await withServer(
            respond: { request in
                await Task.yield()
                loops.send(request.remoteAddress != nil && MultiThreadedEventLoopGroup.currentEventLoop != nil)
                return echo(request)
            }
        ) { server in
            let socket = try server.connect()
            try await socket.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            #expect(await loops.next() == true)
            _ = try await socket.receive(through: "\"\"")
            socket.close()
        }
    }

    @Test("One connection too many is answered with 503 and counted; when one has gone, there is room again")
    func maximumConnections() async throws {
        try await withServer(configure: { $0.maximumConnections = 1 }) { server in
            let first = try server.connect()
            try await first.send("GET /a HTTP/1.1\r\nHost: x\r\n\r\n")
            _ = try await first.receive(through: "\"\"")
            let second = try server.connect()
            let (text, _) = try await second.receiveAll()
            #expect(text.hasPrefix("HTTP/1.1 503 "))
            #expect(text.contains("\r\nRetry-After: 1\r\n"))
            second.close()
            #expect(server.server.counters.refusedConnections == 1)
            first.close()
            while server.server.counters.openConnections > 0 { await Task.yield() }
            let third = try server.connect()
            try await third.send("GET /a HTTP/1.1\r\nHost: x\r\n\r\n")
            _ = try await third.receive(through: "\"\"")
            third.close()
        }
    }

    @Test("A client that doesn't read its answers is not read from, and what it sent is not lost")
    func backpressure() async throws {
        let body = String(repeating: "a", count: 200_000)
        try await withServer(
            respond: { _ in
                HTTPResponse(status: .ok, body: ByteBuffer(string: body))
            }
        ) { server in
            let socket = try server.connect(receiveBuffer: 4096)
            let requests = 50
            try await socket.send(String(repeating: "GET / HTTP/1.1\r\nHost: x\r\n\r\n", count: requests))
            socket.shutdownOutput()
            while server.server.counters.pausedReads == 0 { await Task.yield() }
            let text = try await socket.receiveAll().text
            #expect(text.occurrences(of: "HTTP/1.1 200 OK\r\n") == requests)
            #expect(text.occurrences(of: body) == requests)
            socket.close()
        }
    }

    @Test("A slow head is answered with 408, an idle connection closed in silence")
    func deadlines() async throws {
        try await withServer(
            configure: {
                $0.headDeadline = .milliseconds(100)
                $0.keepAliveIdle = .milliseconds(100)
            }
        ) { server in
            let slow = try server.connect()
            try await slow.send("GET / HT")
            #expect(try await slow.receiveAll().text.hasPrefix("HTTP/1.1 408 "))
            slow.close()
            let idle = try server.connect()
            let (text, end) = try await idle.receiveAll()
            #expect(text == "")
            #expect(end == .orderly)
            idle.close()
        }
    }
}

import NIOCore
import NIOHTTP1
import Testing

@testable import HTTPServer

@Suite("A connection's requests and responses")
struct RequestFlowTests {
    private let connection = ConnectionDriver()

    @Test("One request after the other is answered on an open connection")
    func keepAlive() {
        #expect(connection.request("/a") == ["start /a"])
        #expect(connection.respond() == "write implicit")
        #expect(connection.actions() == [])
        #expect(connection.request("/b") == ["start /b"])
        #expect(connection.respond() == "write implicit")
    }

    @Test("A request starts only when its body has come, with all of it")
    func wholeBodies() {
        connection.head(.POST, "/a", ["Content-Length": "30"])
        connection.body(10)
        connection.body(20)
        #expect(connection.actions() == [])
        connection.end()
        #expect(connection.actions() == ["start /a"])
        #expect(connection.requests[0].body == ByteBuffer(repeating: 0x78, count: 30))
    }

    @Test("Pipelined requests are answered in order, one at a time")
    func pipelining() {
        for target in ["/a", "/b", "/c"] {
            connection.head(.GET, target)
            connection.end()
        }
        #expect(connection.actions() == ["start /a"])
        #expect(connection.respond() == "write implicit")
        #expect(connection.actions() == ["start /b"])
        #expect(connection.respond() == "write implicit")
        #expect(connection.actions() == ["start /c"])
    }

    @Test("Reading pauses while too many requests wait, and goes on when one is answered")
    func pipelineBound() {
        var configuration = HTTPServerConfiguration()
        configuration.maximumPipelinedRequests = 2
        let connection = ConnectionDriver(configuration: configuration)
        #expect(connection.request("/a") == ["start /a"])
        #expect(connection.request("/b") == [])
        #expect(connection.mayRead())
        #expect(connection.request("/c") == [])
        #expect(!connection.mayRead())
        _ = connection.respond()
        #expect(connection.actions() == ["start /b", "read"])
    }

    @Test("Reading pauses while bodies that are read ahead fill their bound")
    func readAheadBound() {
        var configuration = HTTPServerConfiguration()
        configuration.maximumPipelinedBytes = 100
        let connection = ConnectionDriver(configuration: configuration)
        connection.head(.POST, "/a", ["Content-Length": "500"])
        connection.body(400)
        #expect(connection.mayRead(), "nothing is ahead of it")
        connection.body(100)
        connection.end()
        #expect(connection.actions() == ["start /a"])
        connection.head(.POST, "/b", ["Content-Length": "500"])
        connection.body(101)
        #expect(!connection.mayRead())
        _ = connection.respond()
        #expect(connection.actions() == ["read"])
    }

    @Test("A peer that doesn't read its answers isn't read from, nor does its next request start")
    func backpressure() {
        #expect(connection.request("/a") == ["start /a"])
        #expect(connection.request("/b") == [])
        _ = connection.respond()
        connection.machine.writabilityChanged(false, now: connection.now)
        #expect(connection.actions() == [])
        #expect(!connection.mayRead())
        connection.machine.writabilityChanged(true, now: connection.now)
        #expect(connection.actions() == ["start /b", "read"])
    }

    @Test("A peer that takes nothing for ten seconds is reset, one that takes a little isn't")
    func stalledReader() {
        _ = connection.request()
        _ = connection.respond()
        connection.machine.writabilityChanged(false, now: connection.now)
        var acknowledged: UInt64 = 0
        for _ in 0..<30 {
            #expect(connection.pass(.seconds(1)) == ["look"])
            acknowledged += 1
            #expect(connection.looked(acknowledged: acknowledged) == [])
        }
        for second in 1...10 {
            #expect(connection.pass(.seconds(1)) == ["look"])
            #expect(connection.looked(acknowledged: acknowledged) == (second < 10 ? [] : ["reset"]))
        }
    }

    @Test("HTTP/1.0 closes unless it asks otherwise, and is told so")
    func http10() {
        _ = connection.request("/a", version: .http1_0, ["Connection": "keep-alive"])
        #expect(connection.respond() == "write keepAlive")
        _ = connection.request("/b", version: .http1_0)
        #expect(connection.respond() == "write close last")
    }

    @Test("After `Connection: close` nothing more is taken; the output is closed, and the peer's end awaited")
    func connectionClose() {
        _ = connection.request("/a", ["Connection": "close"])
        #expect(connection.respond() == "write close last")
        #expect(connection.actions() == [])
        connection.machine.lastResponseLeft(now: connection.now)
        #expect(connection.actions() == ["close output"])
        #expect(connection.request("/b") == [])
        #expect(connection.pass(.seconds(10)) == ["close"])
    }

    @Test("The peer is not listened to without end after the last response")
    func lingerBound() {
        var configuration = HTTPServerConfiguration()
        configuration.lingerBytes = 100
        let connection = ConnectionDriver(configuration: configuration)
        _ = connection.request("/a", ["Connection": "close"])
        _ = connection.respond()
        connection.machine.lastResponseLeft(now: connection.now)
        #expect(connection.actions() == ["close output"])
        connection.body(100)
        #expect(connection.actions() == [])
        connection.body(1)
        #expect(connection.actions() == ["close"])
    }

    @Test("An offer to change the protocol is not taken, and the connection goes on as it was")
    func upgrade() {
        _ = connection.request("/a", ["Connection": "Upgrade", "Upgrade": "h2c"])
        #expect(connection.respond() == "write implicit")
    }

    @Test("The answer to HEAD has no body")
    func headMethod() {
        connection.head(.HEAD)
        connection.end()
        _ = connection.actions()
        #expect(connection.respond() == "write implicit without body")
    }

    // MARK: - Expect

    @Test("100 Continue is sent at once")
    func expectContinue() {
        connection.head(.POST, "/a", ["Content-Length": "5", "Expect": "100-Continue"])
        #expect(connection.actions() == ["continue"])
        connection.body(5)
        connection.end()
        #expect(connection.actions() == ["start /a"])
    }

    @Test("100 Continue waits for the responses before it, and is left out where the body came without")
    func pipelinedExpectContinue() {
        _ = connection.request("/a")
        connection.head(.POST, "/b", ["Content-Length": "5", "Expect": "100-continue"])
        #expect(connection.actions() == [])
        _ = connection.respond()
        #expect(connection.actions() == ["continue"])
        connection.body(5)
        connection.end()
        #expect(connection.actions() == ["start /b"])
        connection.head(.POST, "/c", ["Content-Length": "5", "Expect": "100-continue"])
        connection.body(5)
        connection.end()
        _ = connection.respond()
        #expect(connection.actions() == ["start /c"])
    }

    @Test("A body that is announced too large is refused in place of 100 Continue")
    func expectRefused() {
        connection.head(.POST, "/a", ["Content-Length": "33554433", "Expect": "100-continue"])
        #expect(connection.actions() == ["refuse 413"])
    }

    // MARK: - Refusals

    @Test("A chunked body over the limit is refused; what still comes is thrown away until the peer ends")
    func chunkedTooLarge() {
        var configuration = HTTPServerConfiguration()
        configuration.maximumBodySize = 10
        let connection = ConnectionDriver(configuration: configuration)
        connection.head(.POST, "/a", ["Transfer-Encoding": "chunked"])
        connection.body(10)
        #expect(connection.actions() == [])
        connection.body(1)
        #expect(connection.actions() == ["refuse 413"])
        connection.machine.lastResponseLeft(now: connection.now)
        #expect(connection.actions() == ["close output"])
        connection.body(1000)
        #expect(connection.mayRead())
        connection.end()
        #expect(connection.actions() == [])
        connection.machine.failed()
        #expect(connection.actions() == [])
    }

    @Test("A refusal waits for the responses that are owing")
    func refusalInOrder() {
        _ = connection.request("/a")
        connection.machine.decodingFailed(HTTPProblem(.badRequest), now: connection.now)
        #expect(connection.actions() == [])
        #expect(connection.respond() == "write implicit")
        #expect(connection.actions() == ["refuse 400"])
    }

    @Test("A connection that is one too many is told so and closed")
    func tooManyConnections() {
        let connection = ConnectionDriver(refusal: .tooManyConnections)
        #expect(connection.actions() == ["refuse 503"])
        #expect(connection.request() == [])
        connection.machine.lastResponseLeft(now: connection.now)
        #expect(connection.actions() == ["close output"])
        #expect(connection.pass(.seconds(1)) == ["close"])
    }

    @Test("A refused HEAD is answered without a body")
    func refusedHead() {
        connection.head(.HEAD, "/", ["Expect": "magic"])
        #expect(connection.actions() == ["refuse 417 without body"])
    }

    // MARK: - Ends

    @Test("A peer that closes its sending half has its task cancelled, and still gets the response")
    func halfClosed() {
        _ = connection.request("/a")
        connection.machine.inputClosed(now: connection.now)
        #expect(connection.actions() == ["cancel"])
        #expect(connection.respond() == "write close last")
        connection.machine.lastResponseLeft(now: connection.now)
        #expect(connection.actions() == ["close"])
    }

    @Test("Requests that had come before the peer closed its sending half are answered too, cancelled from the start")
    func halfClosedPipeline() {
        connection.head(.GET, "/a")
        connection.end()
        connection.head(.GET, "/b")
        connection.end()
        connection.machine.inputClosed(now: connection.now)
        #expect(connection.actions() == ["start /a cancelled"])
        #expect(connection.respond() == "write implicit")
        #expect(connection.actions() == ["start /b cancelled"])
        #expect(connection.respond() == "write close last")
    }

    @Test("A peer that ends in the middle of a request gets no answer")
    func endsInRequest() {
        connection.head(.POST, "/a", ["Content-Length": "5"])
        connection.machine.inputClosed(now: connection.now)
        #expect(connection.actions() == ["flush"])
        connection.machine.lastResponseLeft(now: connection.now)
        #expect(connection.actions() == ["close"])
    }

    @Test("When the connection fails, its task is cancelled and its response dropped")
    func failure() {
        _ = connection.request("/a")
        connection.machine.failed()
        #expect(connection.actions() == ["cancel"])
        #expect(connection.respond(tracked: "a") == "drop")
        #expect(connection.deliveries.all == ["a failed"])
        #expect(connection.actions() == [])
        #expect(connection.machine.deadline == nil)
    }
}

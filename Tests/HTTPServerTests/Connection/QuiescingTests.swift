import NIOCore
import NIOHTTP1
import Testing

@testable import HTTPServer

@Suite("A connection of a server that stops")
struct QuiescingTests {
    private let connection = ConnectionDriver()

    @Test("An idle connection is closed after a short while")
    func idle() {
        _ = connection.pass(.seconds(30))
        connection.machine.quiesce(now: connection.now)
        #expect(connection.actions() == [])
        #expect(connection.pass(.milliseconds(999)) == [])
        #expect(connection.pass(.milliseconds(1)) == ["flush"])
        connection.machine.lastResponseLeft(now: connection.now)
        #expect(connection.actions() == ["close"])
    }

    @Test("A request that comes in that while is answered, knowing that the server stops, and is the last")
    func lateRequest() {
        connection.machine.quiesce(now: connection.now)
        _ = connection.pass(.milliseconds(500))
        #expect(connection.request("/health/ready") == ["start /health/ready cancelled"])
        #expect(connection.requests[0].isServerStopping)
        #expect(connection.respond() == "write close last")
    }

    @Test("A request under way is cancelled, and its response is the last")
    func underWay() {
        _ = connection.request("/poll")
        #expect(!connection.requests[0].isServerStopping)
        connection.machine.quiesce(now: connection.now)
        #expect(connection.actions() == ["cancel"])
        #expect(connection.respond() == "write close last")
    }

    @Test("A request whose body is still coming is served to its end")
    func upload() {
        connection.head(.POST, "/a", ["Content-Length": "10"])
        connection.body(5)
        connection.machine.quiesce(now: connection.now)
        #expect(connection.pass(.seconds(3)) == [])
        connection.body(5)
        connection.end()
        #expect(connection.actions() == ["start /a cancelled"])
        #expect(connection.respond() == "write close last")
    }

    @Test("An upload behind a request under way is served too")
    func pipelinedUpload() {
        _ = connection.request("/poll")
        connection.head(.POST, "/a", ["Content-Length": "10"])
        connection.machine.quiesce(now: connection.now)
        #expect(connection.actions() == ["cancel"])
        #expect(connection.respond() == "write implicit")
        connection.body(10)
        connection.end()
        #expect(connection.actions() == ["start /a cancelled"])
        #expect(connection.respond() == "write close last")
    }

    @Test("When the grace time is over, the connection is closed and its task cancelled")
    func abort() {
        _ = connection.request("/poll")
        connection.machine.abort()
        #expect(connection.actions() == ["close", "cancel"])
        #expect(connection.respond() == "drop")
    }

    @Test("A connection that was accepted at the last moment is treated alike")
    func acceptedLate() {
        let connection = ConnectionDriver(isQuiescing: true)
        #expect(connection.request("/a") == ["start /a cancelled"])
        #expect(connection.respond() == "write close last")
    }
}

import NIOCore
import NIOHTTP1
import Testing

@testable import HTTPServer

@Suite("A connection with a response of unknown length")
struct StreamingTests {
    private let connection = ConnectionDriver()

    init() {
        _ = connection.request("/stream")
        #expect(connection.respond(isStream: true) == "stream")
        #expect(connection.actions() == [])
    }

    @Test("is closed behind it, once all of it has left")
    func end() {
        #expect(connection.pass(.hours(1)) == [])
        connection.machine.streamEnded(now: connection.now)
        #expect(connection.actions() == ["flush"])
        connection.machine.lastResponseLeft(now: connection.now)
        #expect(connection.actions() == ["close output"])
    }

    @Test("takes no further request")
    func furtherRequest() {
        #expect(!connection.mayRead())
        connection.head(.GET, "/next")
        connection.end()
        connection.machine.streamEnded(now: connection.now)
        #expect(connection.actions() == ["flush"])
    }

    @Test("cancels it when the peer closes its sending half, fails, or the server stops")
    func cancelled() {
        connection.machine.inputClosed(now: connection.now)
        #expect(connection.actions() == ["cancel"])
        let failing = StreamingTests().connection
        failing.machine.failed()
        #expect(failing.actions() == ["cancel"])
        let stopping = StreamingTests().connection
        stopping.machine.quiesce(now: stopping.now)
        #expect(stopping.actions() == ["cancel"])
    }

    @Test("cancels it at once where the peer closed before it began")
    func closedBefore() {
        let connection = ConnectionDriver()
        _ = connection.request("/stream")
        connection.machine.inputClosed(now: connection.now)
        #expect(connection.actions() == ["cancel"])
        #expect(connection.respond(isStream: true) == "stream")
        #expect(connection.actions() == ["cancel"])
    }

    @Test(
        "is reset when the peer takes nothing of what waits for ten seconds, however long nothing had to be sent before"
    )
    func stalled() {
        _ = connection.pass(.minutes(10))
        connection.write(1000)
        connection.machine.streamWaits(true, now: connection.now)
        for _ in 0..<9 {
            #expect(connection.pass(.seconds(1)) == ["look"])
            #expect(connection.looked(acknowledged: 100) == [])
        }
        #expect(connection.pass(.seconds(1)) == ["look"])
        _ = connection.looked(acknowledged: 100)
        #expect(connection.pass(.seconds(1)) == ["look"])
        #expect(connection.looked(acknowledged: 100).first == "reset")
    }

    @Test("is not, where the peer takes it slowly")
    func slow() {
        connection.write(1000)
        connection.machine.streamWaits(true, now: connection.now)
        for second in 1...60 {
            #expect(connection.pass(.seconds(1)) == ["look"])
            #expect(connection.looked(acknowledged: 100 + UInt64(second)) == [])
        }
        connection.machine.streamWaits(false, now: connection.now)
        #expect(connection.pass(.minutes(10)) == [])
    }
}

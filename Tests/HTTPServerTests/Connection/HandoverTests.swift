import NIOCore
import NIOHTTP1
import Testing

@testable import HTTPServer

@Suite("Whether a response reached the caller")
struct HandoverTests {
    private let connection = ConnectionDriver()

    init() {
        _ = connection.request("/poll")
        _ = connection.respond(tracked: "a")
        _ = connection.actions()
    }

    // MARK: - The next request

    @Test("A next request that was read later proves it")
    func nextRequest() {
        #expect(connection.request() == ["reached", "start /"])
        #expect(connection.deliveries.all == ["a reached"])
        #expect(connection.pass(.seconds(20)) == [], "no look is left over")
    }

    @Test("A next request proves it by its head; the body may take its time")
    func nextHead() {
        connection.head(.POST, "/", ["Content-Length": "10"])
        #expect(connection.actions() == ["reached"])
    }

    @Test("A request that was read together with the first proves nothing")
    func sameRead() {
        let connection = ConnectionDriver()
        connection.head(.GET, "/a")
        connection.end()
        connection.head(.GET, "/b")
        connection.end()
        _ = connection.actions()
        connection.machine.readCompleted()
        _ = connection.respond(tracked: "a")
        #expect(connection.actions() == ["start /b"])
        _ = connection.respond(tracked: "b")
        #expect(connection.actions() == [])
        #expect(connection.request("/c") == ["reached", "reached", "start /c"])
        #expect(connection.deliveries.all == ["a reached", "b reached"])
    }

    @Test("A response that was written within a cycle of reading isn't proven by what the same cycle brings")
    func sameCycle() {
        let connection = ConnectionDriver()
        connection.head(.GET, "/a")
        connection.end()
        _ = connection.actions()
        _ = connection.respond(tracked: "a")
        connection.head(.GET, "/b")
        #expect(connection.actions() == [])
        connection.machine.readCompleted()
        connection.end()
        #expect(connection.actions() == ["start /b"])
    }

    @Test("A request whose beginning was read before the response left proves nothing")
    func beganBefore() {
        let connection = ConnectionDriver()
        connection.head(.GET, "/a")
        connection.end()
        connection.machine.headBegan(now: connection.now)
        connection.machine.readCompleted()
        _ = connection.actions()
        _ = connection.respond(tracked: "a")
        #expect(connection.request("/b") == ["start /b"])
    }

    @Test("A next request proves nothing while another response is owing")
    func owing() {
        let connection = ConnectionDriver()
        connection.head(.GET, "/a")
        connection.end()
        connection.head(.GET, "/b")
        connection.end()
        _ = connection.actions()
        connection.machine.readCompleted()
        _ = connection.respond(tracked: "a")
        _ = connection.actions()
        #expect(connection.request("/c") == [])
        _ = connection.respond(tracked: "b")
        #expect(connection.actions() == ["start /c"])
        #expect(connection.deliveries.all == [])
    }

    @Test("A next request proves nothing while bytes of the response have not left")
    func notWritten() {
        connection.head(.GET, "/", isAllWritten: false)
        connection.end()
        #expect(connection.actions() == ["start /"])
    }

    // MARK: - An open connection

    @Test("A second on the open connection with all bytes acknowledged proves it")
    func openSecond() {
        #expect(connection.pass(.milliseconds(999)) == [])
        #expect(connection.pass(.milliseconds(1)) == ["look"])
        #expect(connection.looked() == ["reached"])
        #expect(connection.deliveries.all == ["a reached"])
    }

    @Test("One unacknowledged byte proves nothing, until it is acknowledged")
    func oneByteShort() {
        _ = connection.pass(.seconds(1))
        #expect(connection.looked(acknowledged: 99) == [])
        #expect(connection.pass(.seconds(1)) == ["look"])
        #expect(connection.looked(acknowledged: 100) == ["reached"])
    }

    @Test("Without progress for ten seconds the connection is reset, and only then is it a failure")
    func noProgress() {
        for _ in 1...9 {
            #expect(connection.pass(.seconds(1)) == ["look"])
            #expect(connection.looked(acknowledged: 0) == [])
        }
        #expect(connection.pass(.seconds(1)) == ["look"])
        #expect(connection.looked(acknowledged: 0) == ["reset", "failed"])
        #expect(connection.deliveries.all == ["a failed"])
    }

    @Test("Progress puts the reset off")
    func progress() {
        for acknowledged in 1...40 as ClosedRange<UInt64> {
            #expect(connection.pass(.seconds(1)) == ["look"])
            #expect(connection.looked(acknowledged: acknowledged) == [])
        }
        #expect(connection.pass(.seconds(1)) == ["look"])
        #expect(connection.looked() == ["reached"])
    }

    @Test("A socket that the kernel has closed is a failure, whatever it says of acknowledgements")
    func closedState() {
        _ = connection.pass(.seconds(1))
        #expect(connection.looked(isClosed: true) == ["reset", "failed"])
    }

    @Test("Each of two responses has a second of its own")
    func twoResponses() {
        let connection = ConnectionDriver()
        connection.head(.GET, "/a")
        connection.end()
        connection.head(.GET, "/b")
        connection.end()
        _ = connection.actions()
        connection.machine.readCompleted()
        _ = connection.respond(tracked: "a")
        _ = connection.actions()
        _ = connection.pass(.milliseconds(500))
        _ = connection.respond(tracked: "b")
        #expect(connection.pass(.milliseconds(500)) == ["look"])
        #expect(connection.looked() == ["reached"])
        #expect(connection.deliveries.all == ["a reached"])
        #expect(connection.pass(.milliseconds(500)) == ["look"])
        #expect(connection.looked() == ["reached"])
    }

    // MARK: - The peer's close

    @Test("After an orderly close all acknowledged bytes prove it 100 ms later, and the connection is closed")
    func orderlyClose() {
        connection.machine.inputClosed(now: connection.now)
        #expect(connection.actions().contains("look"))
        #expect(connection.looked() == [])
        #expect(connection.pass(.milliseconds(99)) == [])
        #expect(connection.pass(.milliseconds(1)) == ["look"])
        connection.machine.lastResponseLeft(now: connection.now)
        #expect(connection.looked() == ["reached", "close"])
    }

    @Test("A reset within those 100 ms is a failure")
    func resetAfterClose() {
        connection.machine.inputClosed(now: connection.now)
        _ = connection.actions()
        _ = connection.looked()
        connection.machine.failed()
        #expect(connection.actions() == ["failed"])
    }

    @Test("After an orderly close, bytes that are not acknowledged are waited for")
    func orderlyCloseUnacknowledged() {
        connection.machine.inputClosed(now: connection.now)
        _ = connection.actions()
        connection.machine.lastResponseLeft(now: connection.now)
        for _ in 0..<20 {
            #expect(connection.looked(acknowledged: 50) == [])
            #expect(connection.pass(.milliseconds(100)) == ["look"])
        }
        #expect(connection.looked() == [])
        #expect(connection.pass(.milliseconds(100)) == ["look"])
        #expect(connection.looked() == ["reached", "close"])
    }

    @Test("A response to a peer that has already closed its sending half is judged by the same rule")
    func responseAfterHalfClose() {
        let connection = ConnectionDriver()
        _ = connection.request("/poll")
        connection.machine.inputClosed(now: connection.now)
        #expect(connection.actions() == ["cancel"])
        #expect(connection.respond(tracked: "a") == "write close last")
        #expect(connection.actions() == ["look"])
        connection.machine.lastResponseLeft(now: connection.now)
        #expect(connection.looked() == [])
        #expect(connection.pass(.milliseconds(100)) == ["look"])
        #expect(connection.looked() == ["reached", "close"])
    }

    @Test("An error or an end that we did not decide is a failure")
    func failure() {
        connection.machine.failed()
        #expect(connection.actions() == ["failed"])
    }

    @Test("No FIN of ours goes out before the verdict")
    func noEarlyFIN() {
        let connection = ConnectionDriver()
        _ = connection.request("/poll", ["Connection": "close"])
        #expect(connection.respond(tracked: "a") == "write close last")
        connection.machine.lastResponseLeft(now: connection.now)
        #expect(connection.actions() == [])
        #expect(connection.pass(.seconds(1)) == ["look"])
        #expect(connection.looked() == ["reached", "close output"])
    }

    @Test("A response that nobody asks about is not looked after")
    func untracked() {
        let connection = ConnectionDriver()
        _ = connection.request("/poll")
        _ = connection.respond()
        #expect(connection.pass(.seconds(10)) == [])
    }

    // MARK: - Stopping

    @Test("An idle connection with something unproven waits for the verdict when the server stops")
    func quiescing() {
        connection.machine.quiesce(now: connection.now)
        #expect(connection.actions() == [])
        #expect(connection.pass(.seconds(1)) == ["look"])
        #expect(connection.looked() == ["reached"])
        #expect(connection.pass(.zero) == ["flush"])
        connection.machine.lastResponseLeft(now: connection.now)
        #expect(connection.actions() == ["close"])
    }

    @Test("When the grace time is over, what is unproven has failed, by a reset")
    func abort() {
        connection.machine.abort()
        #expect(connection.actions() == ["reset", "failed"])
    }
}

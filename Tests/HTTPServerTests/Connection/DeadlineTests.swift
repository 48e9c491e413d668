import NIOCore
import NIOHTTP1
import Testing

@testable import HTTPServer

@Suite("A connection's deadlines")
struct DeadlineTests {
    private let connection = ConnectionDriver()

    @Test("An idle connection is closed without a word")
    func idle() {
        #expect(connection.pass(.seconds(74)) == [])
        _ = connection.request()
        #expect(connection.pass(.seconds(100)) == [], "a request is under way")
        _ = connection.respond()
        #expect(connection.pass(.seconds(74)) == [])
        #expect(connection.pass(.seconds(1)) == ["flush"])
        connection.machine.lastResponseLeft(now: connection.now)
        #expect(connection.actions() == ["close"])
    }

    @Test("A head that takes longer than ten seconds is answered with 408")
    func slowHead() {
        _ = connection.pass(.seconds(60))
        connection.machine.bytesArrived()
        connection.machine.headBegan(now: connection.now)
        #expect(connection.pass(.seconds(9)) == [])
        connection.machine.bytesArrived()
        connection.machine.headBegan(now: connection.now)
        #expect(connection.pass(.seconds(1)) == ["refuse 408"])
    }

    @Test("A body without a byte for thirty seconds is answered with 408")
    func idleBody() {
        connection.head(.POST, "/", ["Content-Length": "1000000"])
        for _ in 0..<3 {
            #expect(connection.pass(.seconds(29)) == [])
            connection.body(100_000)
        }
        #expect(connection.pass(.seconds(30)) == ["refuse 408"])
    }

    @Test("A body that trickles is answered with 408, however regularly")
    func trickledBody() {
        connection.head(.POST, "/", ["Content-Length": "1000000"])
        var answer: [String] = []
        var seconds = 0
        while answer.isEmpty, seconds < 100 {
            connection.body(100)
            answer = connection.pass(.seconds(1))
            seconds += 1
        }
        #expect(answer == ["refuse 408"])
        #expect((30...40).contains(seconds))
    }

    @Test("While reading is paused by us, no deadline runs for the peer")
    func pausedReading() {
        var configuration = HTTPServerConfiguration()
        configuration.maximumPipelinedBytes = 100
        let connection = ConnectionDriver(configuration: configuration)
        _ = connection.request("/a")
        connection.head(.POST, "/b", ["Content-Length": "500"])
        connection.body(200)
        #expect(!connection.mayRead())
        #expect(connection.pass(.seconds(60)) == [])
        _ = connection.respond()
        #expect(connection.actions() == ["read"])
        #expect(connection.pass(.seconds(29)) == [])
        #expect(connection.pass(.seconds(1)) == ["refuse 408"])
    }

    @Test("A head that is late behind a long request is refused after that was answered")
    func slowHeadBehindLongRequest() {
        _ = connection.request("/a")
        connection.machine.bytesArrived()
        connection.machine.headBegan(now: connection.now)
        #expect(connection.pass(.seconds(20)) == [])
        #expect(connection.respond() == "write implicit")
        #expect(connection.actions() == ["refuse 408"])
    }
}

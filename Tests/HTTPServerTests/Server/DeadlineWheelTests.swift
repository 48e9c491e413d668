import NIOCore
import NIOEmbedded
import Testing

@testable import HTTPServer

@Suite("The deadline wheel")
struct DeadlineWheelTests {
    /// Remembers its connections' ticks as connections do, and which deadline was met when.
    private final class Connections {
        let eventLoop = EmbeddedEventLoop()
        var ticks: [Int: Int] = [:]
        var met: [String] = []
        private(set) lazy var wheel = DeadlineWheel(eventLoop: eventLoop) { [unowned self] connection, tick in
            guard ticks[connection] == tick else { return }
            ticks[connection] = DeadlineWheel.noTick
            met.append("\(connection) at \(eventLoop.now.uptimeNanoseconds / 1_000_000)")
        }

        func schedule(_ connection: Int, in time: TimeAmount) {
            wheel.schedule(
                connection,
                at: eventLoop.now + time,
                tick: &ticks[connection, default: DeadlineWheel.noTick]
            )
        }

        func pass(_ time: TimeAmount) -> [String] {
            met = []
            eventLoop.advanceTime(by: time)
            return met
        }
    }

    private let connections = Connections()

    init() {
        _ = connections.wheel
    }

    @Test("Deadlines are met in order, never early, and at most a tick late")
    func order() {
        connections.schedule(1, in: .seconds(2))
        connections.schedule(2, in: .milliseconds(100))
        connections.schedule(3, in: .milliseconds(101))
        #expect(connections.pass(.milliseconds(99)) == [])
        #expect(connections.pass(.milliseconds(1)) == ["2 at 100"])
        #expect(connections.pass(.milliseconds(50)) == ["3 at 150"])
        #expect(connections.pass(.seconds(2)) == ["1 at 2000"])
        #expect(connections.pass(.hours(1)) == [])
    }

    @Test("An earlier deadline replaces a later one; a later one waits for the earlier to be met")
    func moves() {
        connections.schedule(1, in: .seconds(10))
        connections.schedule(1, in: .seconds(1))
        connections.schedule(1, in: .seconds(5))
        #expect(connections.pass(.seconds(20)) == ["1 at 1000"])
    }

    @Test("A deadline beyond the wheel, or in the past, is looked at as soon as may be")
    func farAndPast() {
        connections.schedule(1, in: .hours(1))
        #expect(connections.pass(.seconds(102)) == [])
        #expect(connections.pass(.seconds(1)) == ["1 at 102350"])
        connections.schedule(2, in: .seconds(-5))
        #expect(connections.pass(.milliseconds(50)) == ["2 at 103050"])
    }

    @Test("After hours without deadlines it works as before")
    func pause() {
        #expect(connections.pass(.hours(5)) == [])
        connections.schedule(1, in: .milliseconds(500))
        #expect(connections.pass(.seconds(1)) == ["1 at 18000500"])
    }
}

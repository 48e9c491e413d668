import Testing

@testable import FrameBuffer

@Suite("The clock by which frames age")
struct AgeClockTests {
    private let hour = 3_600_000

    @Test("A frame is as old as its capture time says, by this machine's clock")
    func captured() {
        var clock = AgeClock(wall: 10_000, at: 0)
        clock.observe(redis: 500_000, at: 0)
        let frame = FrameTime(captured: 9_000, enqueued: 500_100)
        #expect(clock.age(of: frame, wall: 12_000, at: 2000).milliseconds == 3000)
    }

    @Test("A frame without one is as old as its message id, by Redis' clock")
    func enqueued() {
        var clock = AgeClock(wall: 10_000, at: 0)
        clock.observe(redis: 500_000, at: 0)
        let frame = FrameTime(captured: nil, enqueued: 500_100)
        #expect(clock.age(of: frame, wall: 12_000, at: 2000).milliseconds == 1900)
    }

    @Test("A frame whose time is yet to come is new")
    func future() {
        var clock = AgeClock(wall: 10_000, at: 0)
        #expect(clock.age(of: FrameTime(captured: 99_000, enqueued: 9000), wall: 10_000, at: 0).milliseconds == 0)
        #expect(clock.age(of: FrameTime(captured: nil, enqueued: 99_000), wall: 10_000, at: 0).milliseconds == 0)
    }

    @Test("A clock that is set forward makes no frame older that was there before, and goes for those that come after")
    func forward() {
        var clock = AgeClock(wall: 10_000, at: 0)
        clock.observe(redis: 10_000, at: 0)
        let before = FrameTime(captured: 10_000, enqueued: 10_010)
        #expect(clock.age(of: before, wall: 12_000, at: 2000).milliseconds == 2000)
        // Set by an hour at 2,500; Redis', on the same machine, is read a little later.
        #expect(clock.age(of: before, wall: 13_000 + hour, at: 3000).milliseconds == 3000)
        clock.observe(redis: 13_100 + hour, at: 3100)
        let alien = FrameTime(captured: nil, enqueued: 10_010)
        #expect(clock.age(of: alien, wall: 13_200 + hour, at: 3200).milliseconds == 3190)
        let after = FrameTime(captured: 13_050 + hour, enqueued: 13_060 + hour)
        #expect(clock.age(of: after, wall: 14_050 + hour, at: 4050).milliseconds == 1000)
        let alienAfter = FrameTime(captured: nil, enqueued: 13_060 + hour)
        #expect(clock.age(of: alienAfter, wall: 14_050 + hour, at: 4050).milliseconds == 990)
    }

    @Test("A clock that is set back makes no frame older, old or new")
    func back() {
        var clock = AgeClock(wall: hour, at: 0)
        clock.observe(redis: hour, at: 0)
        let before = FrameTime(captured: hour, enqueued: hour)
        let after = FrameTime(captured: 1000, enqueued: hour)
        #expect(clock.age(of: before, wall: 1500, at: 1500).milliseconds == 0)
        #expect(clock.age(of: after, wall: 1500, at: 1500).milliseconds == 500)
    }

    @Test("A clock that is corrected slowly was not set")
    func slewed() {
        var clock = AgeClock(wall: 0, at: 0)
        // Half a millisecond a second, for an hour.
        for second in 1...3600 { clock.observe(wall: second * 1000 + second / 2, at: second * 1000) }
        let frame = FrameTime(captured: 1000, enqueued: 1000)
        #expect(clock.age(of: frame, wall: hour + 1800, at: hour).milliseconds == hour + 800)
    }

    @Test("A machine that was asleep has let its frames age")
    func asleep() {
        // The clock that nobody sets goes on meanwhile.
        var clock = AgeClock(wall: 0, at: 0)
        let frame = FrameTime(captured: 0, enqueued: 0)
        #expect(clock.age(of: frame, wall: 5 * hour, at: 5 * hour).milliseconds == 5 * hour)
    }
}

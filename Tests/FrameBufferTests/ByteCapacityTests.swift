import NIOCore
import Testing

@testable import FrameBuffer

@Suite("How many bytes there are, and how many more may come")
struct ByteCapacityTests {
    private let now = NIODeadline.uptimeNanoseconds(1_000_000_000_000)

    private func capacity(used: Int = 0, entries: Int = 1) -> ByteCapacity {
        var capacity = ByteCapacity(10_000)
        capacity.willMeasure(now: now)
        capacity.measured(used, entries: entries)
        return capacity
    }

    @Test("Nothing is known before Redis was asked")
    func unknown() {
        var capacity = ByteCapacity(10_000)
        #expect(!capacity.isKnown)
        #expect(capacity.isDue(now: now))
        capacity.willMeasure(now: now)
        #expect(!capacity.isKnown)
        capacity.measured(0, entries: 0)
        #expect(capacity.isKnown)
    }

    @Test("What fits is what is left of the most, to the byte; for more, just that has to leave")
    func room() {
        let capacity = capacity(used: 4000)
        #expect(capacity.hasRoom(for: 6000))
        #expect(!capacity.hasRoom(for: 6001))
        #expect(capacity.excess(of: 6000) == 0)
        #expect(capacity.excess(of: 6001) == 1)
        #expect(capacity.excess(of: 100_000) == 94_000)
    }

    @Test("What is sent takes room at once, less what others make for it; an answer takes it back where it was not so")
    func sent() {
        var capacity = capacity(used: 9000)
        capacity.sent(1000)
        #expect(capacity.used == 10_000)
        capacity.sent(3000, making: 3000)
        #expect(capacity.used == 10_000)
        // More left than had to.
        capacity.correct(3000 - 4500)
        #expect(capacity.used == 8500)
        capacity.sent(1500)
        capacity.correct(-1500)
        #expect(capacity.used == 8500)
    }

    @Test("A measurement has what was sent before it was asked for, and not what was sent since")
    func measured() {
        var capacity = capacity(used: 1000)
        capacity.sent(2000)
        capacity.willMeasure(now: now)
        capacity.sent(3000)
        capacity.sent(500, making: 200)
        // Of what was sent before, which the measurement has as it is.
        capacity.correct(-700)
        capacity.measured(2300, entries: 2)
        #expect(capacity.used == 5600)
        // Of what was sent since.
        capacity.correct(-3000)
        #expect(capacity.used == 2600)
        capacity.willMeasure(now: now)
        capacity.measured(2500, entries: 2)
        #expect(capacity.used == 2500)
    }

    @Test("Redis is asked again after a second, and sooner where somebody waits for it and it has little to look at")
    func due() {
        for (entries, pause) in [(0, 0), (100, 1), (1000, 10), (5000, 50), (10_000_000, 50)] {
            let capacity = capacity(entries: entries)
            #expect(!capacity.isDue(now: now + .milliseconds(999)))
            #expect(capacity.isDue(now: now + .seconds(1)))
            #expect(capacity.isDue(urgently: true, now: now + .milliseconds(Int64(pause))))
            #expect(
                pause == 0 || !capacity.isDue(urgently: true, now: now + .milliseconds(Int64(pause)) - .nanoseconds(1))
            )
        }
    }

    @Test("Redis is never asked twice at once, and at once again where it did not say; what was known stays known")
    func failed() {
        var capacity = capacity(used: 1000)
        capacity.willMeasure(now: now)
        #expect(!capacity.isDue(urgently: true, now: now + .seconds(5)))
        capacity.sent(2000)
        capacity.failedToMeasure()
        #expect(capacity.isDue(now: now))
        #expect(capacity.isKnown)
        #expect(capacity.used == 3000)
    }

    @Test(
        "A large frame takes what Redis' allocator gives it",
        arguments: [(300, 300), (50_000, 57_344), (65_536, 65_536)]
    )
    func memory(size: Int, memory: Int) {
        #expect(ByteCapacity.memory(size) == memory)
    }
}

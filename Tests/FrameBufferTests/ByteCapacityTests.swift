import NIOCore
import Testing

@testable import FrameBuffer

@Suite("How many frames fit into a number of bytes")
struct ByteCapacityTests {
    private let now = NIODeadline.uptimeNanoseconds(1_000_000_000_000)

    @Test("As many as of those that are there, by their average")
    func average() {
        var capacity = ByteCapacity(10_000)
        capacity.willMeasure(now: now)
        capacity.measured(1000, entries: 10)
        #expect(capacity.frames() == 100)
        #expect(capacity.frames(with: 1, of: 100) == 100)
    }

    @Test("Larger ones that were sent since, or are to be, take the room of several")
    func larger() {
        var capacity = ByteCapacity(10_000)
        capacity.willMeasure(now: now)
        capacity.measured(1000, entries: 10)
        #expect(capacity.frames(with: 1, of: 5000) == 51)
        capacity.sent(5000)
        #expect(capacity.frames(with: 1, of: 100) == 51)
        // Of 5,000 bytes, 4,900 more than the average; all of it is in what Redis says then.
        capacity.willMeasure(now: now)
        capacity.sent(1100)
        capacity.measured(6000, entries: 11)
        #expect(capacity.frames(with: 1, of: 545) == (10_000 - 1000 - 545) / 545 + 1)
    }

    @Test("In an empty queue the first frame says how large they are, and one that is alone has room")
    func empty() {
        var capacity = ByteCapacity(10_000)
        #expect(capacity.isUnknown)
        capacity.willMeasure(now: now)
        capacity.measured(0, entries: 0)
        #expect(!capacity.isUnknown)
        #expect(capacity.frames(with: 1, of: 2500) == 4)
        #expect(capacity.frames(with: 2, of: 20_000) == 2)
        capacity.sent(2500)
        #expect(capacity.frames(with: 1, of: 2500) == 4)
    }

    @Test("Redis is asked again after a second, and sooner where much was sent")
    func due() {
        var capacity = ByteCapacity(16_000)
        #expect(capacity.isDue(now: now))
        capacity.willMeasure(now: now)
        capacity.measured(100, entries: 1)
        #expect(!capacity.isDue(now: now + .milliseconds(999)))
        #expect(capacity.isDue(now: now + .seconds(1)))
        capacity.sent(1200)
        #expect(!capacity.isDue(now: now + .milliseconds(49)))
        #expect(capacity.isDue(now: now + .milliseconds(50)))
    }

    @Test(
        "A large frame takes what Redis' allocator gives it",
        arguments: [(300, 300), (50_000, 57_344), (65_536, 65_536)]
    )
    func memory(size: Int, memory: Int) {
        #expect(ByteCapacity.memory(size) == memory)
    }
}

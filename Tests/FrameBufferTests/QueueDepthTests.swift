import NIOCore
import Testing

@testable import FrameBuffer

@Suite("Whether one more frame fits")
struct QueueDepthTests {
    @Test("Nothing is taken for granted before Redis was asked, nor for longer than a moment")
    func freshness() {
        var depth = QueueDepth()
        #expect(!depth.hasRoom(in: 100, now: time(0)))
        depth.saw(10, now: time(0))
        #expect(depth.hasRoom(in: 100, now: time(50)))
        #expect(!depth.hasRoom(in: 100, now: time(51)))
    }

    @Test("A tenth is left for what others write, and a frame under way counts until the size that it is in is seen")
    func underWay() {
        var depth = QueueDepth()
        depth.saw(88, now: time(0))
        #expect(depth.hasRoom(in: 100, now: time(0)))
        depth.sent()
        #expect(depth.hasRoom(in: 100, now: time(0)))
        depth.sent()
        #expect(!depth.hasRoom(in: 100, now: time(0)))
        depth.arrived(2)
        depth.saw(90, now: time(0))
        #expect(!depth.hasRoom(in: 100, now: time(0)))
    }

    @Test("A queue is known to be full once it was seen so, until it is seen otherwise")
    func full() {
        var depth = QueueDepth()
        #expect(!depth.wasFull(0))
        depth.saw(3, now: time(0))
        #expect(depth.wasFull(3))
        #expect(!depth.hasRoom(in: 3, now: time(0)))
        depth.saw(2, now: time(0))
        #expect(!depth.wasFull(3))
    }

    @Test("A queue is known to be empty once it was seen so, and while nothing is under way")
    func empty() {
        var depth = QueueDepth()
        #expect(!depth.isEmpty)
        depth.saw(0, now: time(0))
        #expect(depth.isEmpty)
        depth.sent()
        #expect(!depth.isEmpty)
        depth.arrived()
        #expect(depth.isEmpty)
        depth.saw(1, now: time(0))
        #expect(!depth.isEmpty)
    }

    private func time(_ milliseconds: UInt64) -> NIODeadline {
        .uptimeNanoseconds(1_000_000_000_000 + milliseconds * 1_000_000)
    }
}

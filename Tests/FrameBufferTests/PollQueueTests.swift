import NIOCore
import RedisTesting
import Testing

@testable import FrameBuffer

@Suite("Who waits for frames")
struct PollQueueTests {
    @Test("Frames are dealt first come, first served, to each no more than it wants")
    func order() {
        var polls = queue()
        _ = polls.add("one", count: 1, until: time(10), now: time(0))
        _ = polls.add("three", count: 3, until: time(10), now: time(0))
        _ = polls.add("last", count: 5, until: time(10), now: time(0))
        #expect(polls.wanted == 9)
        let (deals, leftOver) = polls.deal(sizes: [1, 1, 1, 1, 1], bytesEach: 100)
        #expect(deals.map(\.waiter) == ["one", "three", "last"])
        #expect(deals.map(\.frames) == [0..<1, 1..<4, 4..<5])
        #expect(leftOver.isEmpty)
        #expect(polls.count == 0)
        #expect(polls.wanted == 0)
    }

    @Test("What nobody waits for any more is left over")
    func leftOver() {
        var polls = queue()
        _ = polls.add("one", count: 2, until: time(10), now: time(0))
        let (deals, leftOver) = polls.deal(sizes: [1, 1, 1], bytesEach: 100)
        #expect(deals.map(\.frames) == [0..<2])
        #expect(leftOver == 2..<3)
    }

    @Test("A reply holds no more bytes than it may, but never no frame")
    func bytes() {
        var polls = queue()
        _ = polls.add("one", count: 10, until: time(10), now: time(0))
        _ = polls.add("two", count: 10, until: time(10), now: time(0))
        let (deals, leftOver) = polls.deal(sizes: [60, 40, 1, 200], bytesEach: 100)
        #expect(deals.map(\.frames) == [0..<2, 2..<3])
        #expect(leftOver == 3..<4)
        _ = polls.add("three", count: 1, until: time(10), now: time(0))
        #expect(polls.deal(sizes: [200], bytesEach: 100).deals.map(\.frames) == [0..<1])
    }

    @Test("A poll whose caller left is never given a frame")
    func cancelled() throws {
        var polls = queue()
        let added = polls.add("gone", count: 1, until: time(10), now: time(0))
        let id = try #require(added)
        _ = polls.add("here", count: 1, until: time(10), now: time(0))
        #expect(polls.cancel(id) == "gone")
        #expect(polls.cancel(id) == nil)
        #expect(polls.deal(sizes: [1], bytesEach: 100).deals.map(\.waiter) == ["here"])
    }

    @Test("A poll that was dealt to can't be cancelled any more")
    func dealt() throws {
        var polls = queue()
        let added = polls.add("one", count: 1, until: time(10), now: time(0))
        let id = try #require(added)
        _ = polls.deal(sizes: [1], bytesEach: 100)
        #expect(polls.cancel(id) == nil)
    }

    @Test("A poll ends empty at its deadline, once a look that began after it came has ended")
    func deadline() {
        var polls = queue()
        polls.lookBegan()
        _ = polls.add("one", count: 1, until: time(0.1), now: time(0))
        polls.lookEnded(now: time(0.2))
        #expect(polls.end(now: time(0.2)).empty == [])
        #expect(polls.overdue == 1)
        polls.lookBegan()
        polls.lookEnded(now: time(0.3))
        #expect(polls.end(now: time(0.3)).empty == ["one"])
        #expect(polls.overdue == 0)
        #expect(polls.nextEnd == nil)
    }

    @Test("A poll that wants no waiting still gets its look")
    func noWait() {
        var polls = queue()
        _ = polls.add("one", count: 1, until: time(5), now: time(5))
        #expect(polls.overdue == 1)
        #expect(polls.end(now: time(5)).empty == [])
        polls.lookBegan()
        polls.lookEnded(now: time(5))
        #expect(polls.end(now: time(5)).empty == ["one"])
    }

    @Test("A poll fails once Redis has given no sign for a second, whatever it wanted to wait")
    func patience() {
        var polls = queue()
        polls.lookBegan()
        polls.lookEnded(now: time(1))
        _ = polls.add("one", count: 1, until: time(60), now: time(1.5))
        #expect(polls.nextEnd == time(2.5))
        #expect(polls.end(now: time(2.4)).failed == [])
        #expect(polls.end(now: time(2.5)).failed == ["one"])
        _ = polls.add("two", count: 1, until: time(60), now: time(3))
        polls.lookBegan()
        polls.lookEnded(now: time(3.9))
        #expect(polls.end(now: time(4.8)).failed == [])
        #expect(polls.end(now: time(4.9)).failed == ["two"])
    }

    @Test("One more than may wait is refused, and makes room for itself when another leaves")
    func capacity() throws {
        var polls = PollQueue<String>(limit: PollLimit(2), now: time(0))
        let added = polls.add("one", count: 1, until: time(10), now: time(0))
        let id = try #require(added)
        #expect(polls.add("two", count: 1, until: time(10), now: time(0)) != nil)
        #expect(polls.add("three", count: 1, until: time(10), now: time(0)) == nil)
        _ = polls.cancel(id)
        #expect(polls.add("three", count: 1, until: time(10), now: time(0)) != nil)
    }

    @Test("However polls come, leave and are dealt to, each ends once, in order, and nothing is left behind")
    func random() {
        let seed = UInt64.random(in: .min ... .max)
        var generator = SeededGenerator(seed: seed)
        var polls = PollQueue<Int>(limit: PollLimit(1000), now: time(0))
        var waiting: [(number: Int, id: PollQueue<Int>.ID, count: Int)] = []
        var ended: Set<Int> = []
        for number in 0..<20_000 {
            switch Int.random(in: 0..<5, using: &generator) {
            case 0, 1:
                let count = Int.random(in: 1...4, using: &generator)
                if let id = polls.add(number, count: count, until: time(10), now: time(0)) {
                    waiting.append((number, id, count))
                }
            case 2 where !waiting.isEmpty:
                let gone = waiting.remove(at: Int.random(in: 0..<waiting.count, using: &generator))
                #expect(polls.cancel(gone.id) == gone.number, "seed \(seed)")
                #expect(ended.insert(gone.number).inserted, "seed \(seed)")
            case 3:
                let sizes = Array(repeating: 1, count: Int.random(in: 1...6, using: &generator))
                for deal in polls.deal(sizes: sizes, bytesEach: 100).deals {
                    #expect(waiting.removeFirst().number == deal.waiter, "seed \(seed)")
                    #expect(ended.insert(deal.waiter).inserted, "seed \(seed)")
                }
            default: break
            }
            #expect(polls.count == waiting.count, "seed \(seed)")
            #expect(polls.wanted == waiting.reduce(0) { $0 + $1.count }, "seed \(seed)")
        }
    }

    private func queue() -> PollQueue<String> { PollQueue(limit: PollLimit(100), now: time(0)) }

    private func time(_ seconds: Double) -> NIODeadline {
        .uptimeNanoseconds(1_000_000_000_000 + UInt64(seconds * 1_000_000_000))
    }
}

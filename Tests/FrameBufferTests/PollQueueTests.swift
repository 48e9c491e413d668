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
        #expect(polls.wanted(byFirst: .max) == 9)
        let deal = polls.deal(frames(1, 1, 1, 1, 1), bytesEach: 100)
        #expect(deal.waiters == ["one", "three", "last"])
        #expect(deal.fates == [.dealt(0), .dealt(1), .dealt(1), .dealt(1), .dealt(2)])
        #expect(polls.count == 0)
        #expect(polls.wanted(byFirst: .max) == 0)
    }

    @Test("What nobody waits for any more is left over")
    func leftOver() {
        var polls = queue()
        _ = polls.add("one", count: 2, until: time(10), now: time(0))
        #expect(polls.deal(frames(1, 1, 1), bytesEach: 100).fates == [.dealt(0), .dealt(0), .left])
    }

    @Test("A reply holds no more bytes than it may, but never no frame")
    func bytes() {
        var polls = queue()
        _ = polls.add("one", count: 10, until: time(10), now: time(0))
        _ = polls.add("two", count: 10, until: time(10), now: time(0))
        let deal = polls.deal(frames(60, 40, 1, 200), bytesEach: 100)
        #expect(deal.fates == [.dealt(0), .dealt(0), .dealt(1), .left])
        _ = polls.add("three", count: 1, until: time(10), now: time(0))
        #expect(polls.deal(frames(200), bytesEach: 100).fates == [.dealt(0)])
    }

    @Test("A look that takes long fails nobody as long as Redis gives signs of life")
    func signs() {
        var polls = queue()
        _ = polls.add("one", count: 1, until: time(10), now: time(0))
        polls.lookBegan()
        polls.sawSign(at: time(0.9))
        #expect(polls.end(now: time(1.5)).failed == [])
        #expect(polls.nextEnd == time(1.9))
        polls.sawSign(at: time(0.5))
        #expect(polls.end(now: time(1.9)).failed == ["one"])
    }

    // MARK: Selecting

    @Test("Frames older than the poll wants them whose turn it is expire, and it waits on for one that isn't")
    func maxAge() {
        var polls = queue()
        _ = polls.add("fresh", count: 2, of: FrameSelection(maxAge: .seconds(1)), until: time(10), now: time(0))
        _ = polls.add("any", count: 1, until: time(10), now: time(0))
        #expect(polls.selective == 1)
        #expect(polls.deal([frame(age: 1001), frame(age: 5000)], bytesEach: 100).fates == [.expired, .expired])
        #expect(polls.count == 2)
        let deal = polls.deal([frame(age: 2000), frame(age: 1000), frame(age: 3000), frame(age: 9)], bytesEach: 100)
        #expect(deal.fates == [.expired, .dealt(0), .expired, .dealt(0)])
        #expect(deal.waiters == ["fresh"])
        #expect(polls.selective == 0)
        #expect(polls.deal([frame(age: 5000)], bytesEach: 100).fates == [.dealt(0)])
    }

    @Test("A poll that wants the newest gets one frame of each camera, once all frames that wait are known")
    func latest() {
        var polls = queue()
        _ = polls.add("newest", count: 2, of: FrameSelection(isLatest: true), until: time(10), now: time(0))
        #expect(polls.latest == 1)
        let frames = ["a", "b", "a", nil, "c", nil, "b"].map { frame(camera: $0) }
        let known = polls.deal(frames, bytesEach: 100)
        #expect(known.fates == [.superseded, .superseded, .left, .superseded, .left, .left, .left])
        #expect(known.waiters.isEmpty)
        let all = polls.deal(["a", "c", nil, "b"].map { frame(camera: $0) }, areAll: true, bytesEach: 100)
        #expect(all.fates == [.dealt(0), .dealt(0), .left, .left])
        #expect(all.waiters == ["newest"])
        #expect(polls.latest == 0)
    }

    @Test("Who came before a poll that wants the newest gets what is next, and who came after it waits for its turn")
    func mixed() {
        var polls = queue()
        _ = polls.add("next", count: 1, until: time(10), now: time(0))
        _ = polls.add("newest", count: 1, of: FrameSelection(isLatest: true), until: time(10), now: time(0))
        _ = polls.add("after", count: 1, until: time(10), now: time(0))
        let frames = ["a", "a", "b", "a"].map { frame(camera: $0) }
        let known = polls.deal(frames, bytesEach: 100)
        #expect(known.fates == [.dealt(0), .superseded, .left, .left])
        #expect(known.waiters == ["next"])
        let all = polls.deal([frames[2], frames[3]], areAll: true, bytesEach: 100)
        #expect(all.fates == [.dealt(0), .dealt(1)])
        #expect(all.waiters == ["newest", "after"])
    }

    @Test("The newest frame of a camera expires too if it is older than the poll wants it")
    func latestAndMaxAge() {
        var polls = queue()
        let selection = FrameSelection(maxAge: .seconds(1), isLatest: true)
        _ = polls.add("one", count: 1, of: selection, until: time(10), now: time(0))
        let frames = [frame(age: 3000, camera: "a"), frame(age: 2000, camera: "a"), frame(age: 900, camera: "b")]
        #expect(polls.deal(frames, areAll: true, bytesEach: 100).fates == [.superseded, .expired, .dealt(0)])
    }

    // MARK: Ending

    @Test("A poll whose caller left is never given a frame")
    func cancelled() throws {
        var polls = queue()
        let added = polls.add("gone", count: 1, until: time(10), now: time(0))
        let id = try #require(added)
        _ = polls.add("here", count: 1, until: time(10), now: time(0))
        #expect(polls.cancel(id) == "gone")
        #expect(polls.cancel(id) == nil)
        #expect(polls.deal(frames(1), bytesEach: 100).waiters == ["here"])
    }

    @Test("A poll that was dealt to can't be cancelled any more")
    func dealt() throws {
        var polls = queue()
        let added = polls.add("one", count: 1, until: time(10), now: time(0))
        let id = try #require(added)
        _ = polls.deal(frames(1), bytesEach: 100)
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
                let offers = Array(
                    repeating: PollQueue<Int>.Offer(size: 1),
                    count: .random(in: 1...6, using: &generator)
                )
                for waiter in polls.deal(offers, bytesEach: 100).waiters {
                    #expect(waiting.removeFirst().number == waiter, "seed \(seed)")
                    #expect(ended.insert(waiter).inserted, "seed \(seed)")
                }
            default: break
            }
            #expect(polls.count == waiting.count, "seed \(seed)")
            #expect(polls.wanted(byFirst: .max) == waiting.reduce(0) { $0 + $1.count }, "seed \(seed)")
        }
    }

    private func frames(_ sizes: Int...) -> [PollQueue<String>.Offer] { sizes.map { PollQueue.Offer(size: $0) } }

    private func frame(age: Int = 0, camera: String? = nil) -> PollQueue<String>.Offer {
        PollQueue.Offer(size: 1, age: age, camera: camera)
    }

    private func queue() -> PollQueue<String> { PollQueue(limit: PollLimit(100), now: time(0)) }

    private func time(_ seconds: Double) -> NIODeadline {
        .uptimeNanoseconds(1_000_000_000_000 + UInt64(seconds * 1_000_000_000))
    }
}

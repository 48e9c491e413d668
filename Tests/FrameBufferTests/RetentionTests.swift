import NIOCore
import RedisTesting
import Testing

@testable import FrameBuffer

@Suite("What stays in the stream")
struct RetentionTests {
    private func withStream(
        keepFrames: Int? = nil,
        _ body: (TestQueue, RedisServer) async throws -> Void
    ) async throws {
        try await TestQueue.with(
            configure: {
                $0.retention = .stream
                $0.keepFrames = keepFrames
            },
            body
        )
    }

    private func readable(_ queue: TestQueue) async throws -> [String?] {
        try await queue.buffer.tail(after: .first, count: 1000, wait: .zero).frames.map { $0.withStored(\.frameID) }
    }

    private func counter(_ name: String, _ redis: RedisServer) async throws -> String {
        try await redis.cli("HGET", "frames:queue:{frames:queue}:counters", name)
    }

    // MARK: retention: stream

    @Test("Settled frames stay readable, however they were settled, and neither count nor come again")
    func stays() async throws {
        try await withStream { queue, redis in
            for id in ["settled", "acked", "rejected", "waits"] { try await queue.enqueue(id) }
            #expect(try await queue.dequeue() == ["settled"])
            let leased = try await queue.lease(count: 2)
            #expect(try await queue.settle(leased[0], .ack) == Settled(1))
            #expect(try await queue.settle(leased[1], .reject(reason: "")) == Settled(1))
            #expect(try await eventually { try await queue.counts() == [1, 0, 1] })
            #expect(try await readable(queue) == ["settled", "acked", "rejected", "waits"])
            #expect(try await queue.buffer.look(after: .first, count: 10).frames.count == 4)
            #expect(try await queue.enqueue("last").queueSize == 2)
            #expect(try await queue.dequeue(count: 9) == ["waits", "last"])
            #expect(try await queue.dequeue(wait: .zero) == [])
            #expect(try await redis.cli("XLEN", "frames:queue") == "5")
        }
    }

    @Test("They don't take the room of those that wait")
    func room() async throws {
        try await TestQueue.with(capacity: 5, configure: { $0.retention = .stream }) { queue, redis in
            for round in 0..<4 {
                for number in 0..<5 { try await queue.enqueue("\(round).\(number)") }
                #expect(await failure { try await queue.enqueue("too many") } == .full)
                #expect(try await queue.dequeue(count: 5).count == 5)
                #expect(try await eventually { try await queue.counts() == [0, 0, 0] })
            }
            #expect(try await redis.cli("XLEN", "frames:queue") == "5")
            #expect(try await counter("trimmed", redis) == "15")
        }
    }

    @Test("No more stay than may: the oldest are trimmed, and counted")
    func bounded() async throws {
        try await withStream(keepFrames: 3) { queue, redis in
            for number in 0..<10 { try await queue.enqueue("\(number)") }
            let leased = try await queue.lease()
            #expect(try await queue.dequeue(count: 6).count == 6)
            #expect(try await eventually { try await queue.counts() == [3, 1, 0] })
            #expect(try await readable(queue) == ["0", "4", "5", "6", "7", "8", "9"])
            #expect(try await queue.settle(leased[0], .ack) == Settled(1))
            #expect(try await readable(queue) == ["4", "5", "6", "7", "8", "9"])
            #expect(try await counter("trimmed", redis) == "4")
        }
    }

    @Test("What somebody trims of them leaves the counts alone, at once")
    func trimmed() async throws {
        try await withStream { queue, redis in
            for number in 0..<10 { try await queue.enqueue("\(number)") }
            #expect(try await queue.dequeue(count: 6).count == 6)
            #expect(try await eventually { try await queue.counts() == [4, 0, 0] })
            _ = try await redis.cli("XTRIM", "frames:queue", "MAXLEN", "5")
            #expect(try await queue.counts() == [4, 0, 0])
            #expect(try await eventually { try await redis.cli("ZCARD", "frames:queue:{frames:queue}:kept") == "1" })
        }
    }

    @Test("A purge settles what waits and what is leased, and all of it stays readable; what comes later isn't touched")
    func purge() async throws {
        try await withStream { queue, redis in
            for number in 0..<250 { try await queue.enqueue("\(number)") }
            #expect(try await queue.dequeue() == ["0"])
            let leased = try await queue.lease(count: 2)
            let returned = try #require(try await queue.take().first)
            await queue.buffer.giveBack(returned.delivery)
            #expect(try await eventually { await !queue.buffer.hasFramesInHand })
            #expect(try await queue.buffer.purge() == 249)
            #expect(try await queue.counts() == [0, 0, 0])
            #expect(try await queue.settle(leased.compactMap(\.receipt), .ack) == Settled(0, stale: 2))
            #expect(try await readable(queue).count == 250)
            try await queue.enqueue("later")
            #expect(try await queue.dequeue(count: 9) == ["later"])
            #expect(try await counter("trimmed", redis) == "")
            // What others deleted is not among the purged.
            for id in ["deleted", "purged"] { try await queue.enqueue(id) }
            let deleted = try #require(try await queue.lease().first)
            try await redis.cli("XDEL", "frames:queue", deleted.delivery.id.description)
            #expect(try await queue.buffer.purge() == 1)
            #expect(try await queue.counts() == [0, 0, 0])
            #expect(try await counter("trimmed", redis) == "1")
        }
    }

    @Test("A frame that is deleted stays readable, and a settled one can't be deleted")
    func delete() async throws {
        try await withStream { queue, _ in
            for number in 0..<120 { try await queue.enqueue("\(number)") }
            let frames = try await queue.buffer.look(after: .first, count: 120).frames
            let leased = try await queue.lease()
            for index in [0, 3, 100] {
                #expect(try await queue.buffer.delete(frames[index].id))
                #expect(try await queue.buffer.delete(frames[index].id) == false)
            }
            #expect(try await queue.settle(leased[0], .ack) == Settled(0, stale: 1))
            #expect(try await queue.counts() == [117, 0, 0])
            #expect(try await readable(queue).count == 120)
            let left = (0..<120).filter { ![0, 3, 100].contains($0) }.map(String.init)
            var rest: [String] = []
            while rest.count < left.count { rest += try await queue.dequeue(count: 100) }
            #expect(rest == left)
        }
    }

    @Test("Once the group is destroyed, what stayed may come again, and counts again")
    func destroyed() async throws {
        try await withStream { queue, redis in
            for id in ["a", "b"] { try await queue.enqueue(id) }
            #expect(try await queue.dequeue() == ["a"])
            #expect(try await eventually { try await queue.counts() == [1, 0, 0] })
            _ = try await redis.cli("XGROUP", "DESTROY", "frames:queue", "workers")
            #expect(try await queue.dequeue(count: 2) == ["a", "b"])
            #expect(try await eventually { try await queue.counts() == [0, 0, 0] })
        }
    }

    // MARK: Other groups

    @Test("For another group, too, no more stay than may")
    func otherGroup() async throws {
        try await TestQueue.with(configure: { $0.keepFrames = 2 }) { queue, redis in
            _ = try await redis.cli("XGROUP", "CREATE", "frames:queue", "others", "0", "MKSTREAM")
            for id in ["a", "b", "c", "d"] { try await queue.enqueue(id) }
            #expect(try await queue.dequeue(count: 3) == ["a", "b", "c"])
            #expect(try await eventually { try await readable(queue) == ["d"] })
            let read = try await redis.cli("XREADGROUP", "GROUP", "others", "x", "STREAMS", "frames:queue", ">")
            #expect(!read.contains("\na\n") && read.contains("\nb\n") && read.contains("\nd\n"))
            #expect(try await counter("trimmed", redis) == "1")
        }
    }

    // MARK: Strangers

    @Test(
        "What a client of its own acknowledges in our group leaves the stream and the counts, once nothing older is there"
    )
    func strangers() async throws {
        try await TestQueue.with { queue, redis in
            for id in ["ours", "theirs", "theirs too", "waits"] { try await queue.enqueue(id) }
            let ours = try await queue.lease()
            let read = ["XREADGROUP", "GROUP", "workers", "stranger", "COUNT", "2", "STREAMS", "frames:queue", ">"]
            let ids = try await redis.cli(read).split(separator: "\n").filter { $0.contains("-") && $0.first == "1" }
            #expect(ids.count == 2)
            #expect(try await queue.counts() == [1, 3, 0])
            _ = try await redis.cli(["XACK", "frames:queue", "workers"] + ids.map(String.init))
            #expect(try await queue.settle(ours[0], .ack) == Settled(1))
            #expect(try await eventually { try await redis.cli("XLEN", "frames:queue") == "1" })
            #expect(try await queue.counts() == [1, 0, 0])
            #expect(try await queue.dequeue() == ["waits"])
        }
    }

    @Test("A leased frame that a client of its own claims is that client's for as long as the lease was given")
    func claimed() async throws {
        try await TestQueue.with { queue, redis in
            let id = try await queue.enqueue("a").messageID.description
            #expect(try await queue.lease(for: .seconds(2)).count == 1)
            #expect(try await queue.dequeue(wait: .seconds(1)) == [])
            _ = try await redis.cli("XCLAIM", "frames:queue", "workers", "stranger", "0", id)
            let clock = ContinuousClock()
            let start = clock.now
            #expect(try await queue.dequeue(wait: .seconds(20)) == ["a"])
            #expect(clock.now - start > .milliseconds(1900))
        }
    }

    @Test("A group that somebody sets back hands each frame out once more, not twice")
    func setBack() async throws {
        try await TestQueue.with { queue, redis in
            for id in ["a", "b", "c"] { try await queue.enqueue(id) }
            for frame in try await queue.take(count: 2) { await queue.buffer.giveBack(frame.delivery) }
            #expect(try await eventually { await !queue.buffer.hasFramesInHand })
            _ = try await redis.cli("XGROUP", "SETID", "frames:queue", "workers", "0")
            #expect(try await eventually { try await redis.cli("ZCARD", "frames:queue:{frames:queue}:ready") == "0" })
            #expect(try await queue.counts() == [3, 0, 0])
            #expect(try await queue.dequeue(count: 9) == ["a", "b", "c"])
            #expect(try await eventually { try await queue.counts() == [0, 0, 0] })
        }
    }

    @Test("A frame whose lease Redis has evicted comes again, though the connection that it was read on lives")
    func evicted() async throws {
        try await TestQueue.with(configure: { $0.longestIdle = .seconds(1) }) { queue, redis in
            try await queue.enqueue("a")
            #expect(try await queue.lease().map(\.frameID) == ["a"])
            for key in ["lease", "held"] { _ = try await redis.cli("DEL", "frames:queue:{frames:queue}:\(key)") }
            #expect(try await queue.dequeue(wait: .seconds(30)) == ["a"])
        }
    }
}

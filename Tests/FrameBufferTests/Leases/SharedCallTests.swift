import RedisClient
import RedisTesting
import Testing

@testable import FrameBuffer

@Suite("Frames and receipts that share one call")
struct SharedCallTests {
    private func key(_ name: String) -> String { "frames:queue:{frames:queue}:\(name)" }

    /// A queue that is left alone: what is not asked for does not happen.
    private func withQuiet(
        configure: (inout QueueConfiguration) -> Void = { _ in },
        _ body: (TestQueue, RedisServer) async throws -> Void
    ) async throws {
        let redis = try await RedisServer()
        let queue = try TestQueue(redis, keepsHouse: false, configure: configure)
        defer { queue.crash() }
        try await body(queue, redis)
    }

    private func stale(_ queue: TestQueue, _ receipts: [Receipt], _ settlement: Settlement) async throws -> [Receipt] {
        try await queue.buffer.settle(receipts, as: settlement, for: Caller(span: nil, broughtContext: false)).stale
    }

    // MARK: Receipts

    @Test("Each of the receipts of one acknowledgement has its own outcome, whatever became of its frame")
    func outcomes() async throws {
        try await withQuiet { queue, redis in
            for id in ["good", "deleted", "before", "waits", "acked elsewhere", "claimed", "last"] {
                try await queue.enqueue(id)
            }
            let frames = try await queue.lease(count: 7)
            let receipts = frames.compactMap(\.receipt)
            try #require(receipts.count == 7)
            let ids = receipts.map(\.messageID.description)
            #expect(try await queue.settle([receipts[2]], .ack) == Settled(1))
            try await redis.cli("XDEL", "frames:queue", ids[1])
            #expect(try await queue.settle([receipts[3], receipts[5]], .nack(delay: .zero, reason: "")) == Settled(2))
            try await redis.cli("XACK", "frames:queue", "workers", ids[4])
            // A client of its own can have a frame that waits, too.
            try await redis.cli("XCLAIM", "frames:queue", "workers", "stranger", "0", ids[5], "FORCE")
            let other = Receipt(for: receipts[0].messageID)
            let all = [other] + receipts + [Receipt(for: receipts[6].messageID)]
            let outcome = try await queue.buffer.settle(all, as: .ack, for: Caller(span: nil, broughtContext: false))
            #expect(outcome.settled == 4)
            #expect(outcome.stale == [other, receipts[1], receipts[4], all[8]])
            // What a stranger acknowledged is left for housekeeping.
            #expect(try await redis.cli("XLEN", "frames:queue") == "1")
            #expect(try await redis.cli("HGET", key("counters"), "trimmed") == "1")
            #expect(try await redis.cli("XPENDING", "frames:queue", "workers").hasPrefix("0"))
            for name in ["held", "lease", "ready"] { #expect(try await redis.cli("EXISTS", key(name)) == "0") }
            // Once more they are as they were, and nothing is counted again.
            #expect(try await queue.settle(all, .ack) == Settled(0, stale: 4))
            #expect(try await stale(queue, all, .extend(.seconds(60))) == outcome.stale)
            #expect(try await redis.cli("HGET", key("counters"), "trimmed") == "1")
        }
    }

    @Test("A receipt that two requests bring at once counts once, and neither of them is told that it is stale")
    func twice() async throws {
        try await withQuiet { queue, redis in
            for id in ["good", "deleted"] { try await queue.enqueue(id) }
            let receipts = try await queue.lease(count: 2).compactMap(\.receipt)
            try #require(receipts.count == 2)
            try await redis.cli("XDEL", "frames:queue", receipts[1].messageID.description)
            let consumer = queue.buffer.process.consumer(loop: 0, life: 1)
            let call = await queue.buffer.call(
                LeaseScripts.ack,
                ["120000", consumer, "0", ""] + (receipts + receipts).map(\.padded)
            )
            let outcomes = try #require(try await queue.buffer.redis.call(call).value[0])
            #expect(outcomes[0]?.string?.hasSuffix("good") == true)
            #expect((1..<4).map { outcomes[$0]?.integer } == [0, 1, 0])
            #expect(try await redis.cli("HGET", key("counters"), "trimmed") == "1")
            #expect(try await redis.cli("ZCARD", key("settled")) == "1")
        }
    }

    @Test("As many frames as one request may settle are leased and settled with a few looks at the pending list")
    func many() async throws {
        try await TestQueue.with { queue, redis in
            for number in 0..<Settlement.mostReceipts { try await queue.enqueue("\(number)") }
            try await redis.cli("CONFIG", "RESETSTAT")
            var receipts: [Receipt] = []
            while receipts.count < Settlement.mostReceipts {
                receipts += try await queue.lease(count: 100).compactMap(\.receipt)
            }
            #expect(try await queue.settle(receipts, .ack) == Settled(receipts.count))
            #expect(try await redis.cli("XLEN", "frames:queue") == "0")
            #expect(try await redis.cli("ZCARD", key("settled")) == "\(receipts.count)")
            #expect(try await queue.settle(receipts, .ack) == Settled(0))
            let looks = try await redis.cli("INFO", "commandstats").firstMatch(of: /cmdstat_xpending:calls=(\d+)/)
            #expect(try #require(looks.flatMap { Int($0.1) }) < receipts.count / 2)
        }
    }

    @Test("Of frames that another group wants those are kept that are there")
    func foreignGroup() async throws {
        try await withQuiet { queue, redis in
            try await redis.cli("XGROUP", "CREATE", "frames:queue", "others", "0", "MKSTREAM")
            for id in ["a", "deleted", "c"] { try await queue.enqueue(id) }
            let receipts = try await queue.lease(count: 3).compactMap(\.receipt)
            try await redis.cli("XDEL", "frames:queue", receipts[1].messageID.description)
            #expect(try await stale(queue, receipts, .ack) == [receipts[1]])
            #expect(try await redis.cli("XLEN", "frames:queue") == "2")
            let kept = try await redis.cli("ZRANGE", key("kept"), "0", "-1").split(separator: "\n").map(String.init)
            #expect(kept == [receipts[0], receipts[2]].map(\.messageID.padded))
            #expect(try await redis.cli("HGET", key("counters"), "trimmed") == "1")
            #expect(try await queue.counts() == [0, 0, 0])
        }
    }

    @Test("Where settled frames stay, of those of one call no more do than may")
    func retention() async throws {
        let configure: (inout QueueConfiguration) -> Void = {
            $0.retention = .stream
            $0.keepFrames = 2
        }
        try await withQuiet(configure: configure) { queue, redis in
            for number in 0..<6 { try await queue.enqueue("\(number)") }
            let receipts = try await queue.lease(count: 5).compactMap(\.receipt)
            // In any order.
            #expect(try await queue.settle(receipts.reversed(), .ack) == Settled(5))
            let left = try await queue.buffer.tail(after: .first, count: 100, wait: .zero).frames
            #expect(left.map { $0.withStored(\.frameID) } == ["3", "4", "5"])
            #expect(try await redis.cli("HGET", key("counters"), "trimmed") == "3")
            #expect(try await queue.counts() == [1, 0, 0])
        }
    }

    // MARK: Leases

    @Test(
        "Of the frames of one call those are leased that are still in this process' hands, in whatever order they come"
    )
    func taken() async throws {
        try await withQuiet { queue, redis in
            let consumers = [
                queue.buffer.process.consumer(loop: 0, life: 7), queue.buffer.process.consumer(loop: 1, life: 1),
            ]
            // Makes the group.
            #expect(try await queue.dequeue(wait: .zero) == [])
            for number in 0..<8 { try await queue.enqueue("\(number)") }
            let read = ["XREADGROUP", "GROUP", "workers", consumers[0], "COUNT", "8", "STREAMS", "frames:queue", ">"]
            try await redis.cli(read)
            let ids = try await queue.buffer.look(after: .first, count: 8).frames.map(\.id)
            try #require(ids.count == 8)
            try await redis.cli("XCLAIM", "frames:queue", "workers", "stranger", "0", ids[1].description)
            try await redis.cli("XACK", "frames:queue", "workers", ids[2].description)
            try await redis.cli("ZADD", key("lease"), "5", ids[3].padded)
            try await redis.cli("XCLAIM", "frames:queue", "workers", consumers[1], "0", ids[4].description)
            // Twice, and nowhere near the others.
            let unknown = StreamID(milliseconds: 5, sequence: 5)
            for (order, given) in [
                ([6, 4, 3, 2, 1, 5], [1, 1, 0, 0, 0, 1]), ([7, 0, 7, 4], [1, 1, 0, 0]),
            ] {
                let asked = order.map { ids[$0] } + [unknown]
                let call = await queue.buffer.call(
                    LeaseScripts.lease,
                    [queue.buffer.process.consumers]
                        + asked.flatMap { [$0.description, $0.padded, "60000", "0123456789abcdef", "label", "", "id"] }
                )
                let reply = try await queue.buffer.redis.call(call).value
                #expect((0..<reply.count).map { reply[$0]?.integer } == given + [0])
            }
            let held = try await redis.cli("HKEYS", key("held")).split(separator: "\n").map(String.init)
            #expect(Set(held) == Set([0, 4, 5, 6, 7].map { ids[$0].padded }))
            let leased = try await redis.cli("ZRANGE", key("lease"), "0", "-1").split(separator: "\n").map(String.init)
            #expect(Set(leased) == Set([0, 3, 4, 5, 6, 7].map { ids[$0].padded }))
            #expect(try await redis.cli("ZSCORE", key("lease"), ids[3].padded) == "5")
            let receipts = [0, 4, 5, 6, 7].map { Receipt(messageID: ids[$0], token: 0x0123_4567_89AB_CDEF) }
            #expect(try await queue.settle(receipts, .ack) == Settled(5))
        }
    }

    @Test("Frames that waited long and new ones are leased together, each with its own count")
    func mixed() async throws {
        try await withQuiet { queue, _ in
            for id in ["old", "held 1", "held 2", "held 3"] { try await queue.enqueue(id) }
            let first = try await queue.lease(count: 4)
            #expect(try await queue.settle(first[0], .nack(delay: .zero, reason: "")) == Settled(1))
            let again = try #require(try await queue.lease().first)
            #expect(try await queue.settle(again, .nack(delay: .zero, reason: "")) == Settled(1))
            #expect(try await queue.settle(first[3], .nack(delay: .zero, reason: "")) == Settled(1))
            // Between them lie those that are leased already.
            let frames = try await queue.lease(count: 2)
            #expect(frames.map(\.frameID) == ["old", "held 3"])
            #expect(frames.map(\.delivery.number) == [3, 2])
            let all = (frames + first[1...2]).compactMap(\.receipt)
            #expect(try await queue.settle(all, .nack(delay: .zero, reason: "")) == Settled(4))
            let last = try await queue.lease(count: 4)
            #expect(last.map(\.delivery.number) == [4, 2, 2, 3])
        }
    }
}

import RedisClient
import RedisTesting
import Testing

@testable import FrameBuffer

@Suite("Dead letters on a real Redis")
struct DeadLetterTests {
    /// Enqueues frames of these ids and rejects them, in order.
    private func reject(_ ids: [String], in queue: TestQueue) async throws {
        for id in ids { try await queue.enqueue(id) }
        var left = ids.count
        while left > 0 {
            let frames = try await queue.lease(count: 100)
            left -= try await queue.settle(frames.compactMap(\.receipt), .reject(reason: "no face")).settled
        }
    }

    private func letters(of queue: TestQueue, count: Int = 1000) async throws -> [DeadLetter] {
        try await queue.buffer.deadLetters(after: nil, count: count)
    }

    @Test("are listed in order and in pages, with all that is known of them")
    func listed() async throws {
        try await TestQueue.with { queue, redis in
            let ids = (0..<70).map { "f\($0)" }
            try await reject(ids, in: queue)
            #expect(try await queue.counts() == [0, 0, 70])
            var listed: [DeadLetter] = []
            while true {
                let page = try await queue.buffer.deadLetters(after: listed.last?.id, count: 30)
                listed += page
                if page.count < 30 { break }
            }
            #expect(listed.map(\.frameID) == ids)
            #expect(listed.allSatisfy { $0.reason == "no face" && $0.deliveries == 1 && $0.context != nil })
            #expect(Set(listed.compactMap(\.formerID)).count == 70)
            try await redis.cli("XADD", "frames:queue:{frames:queue}:dead", "*", "a", "b")
            let bare = try #require(try await queue.buffer.deadLetters(after: listed.last?.id, count: 9).first)
            #expect(bare.frameID == nil && bare.reason == nil && bare.context == nil && bare.deliveries == 0)
        }
    }

    @Test("that are redriven are new frames at the tail, with their fields and no deliveries")
    func redriven() async throws {
        try await TestQueue.with { queue, redis in
            try await queue.enqueue(json: #"{"frame_id":"a","n":1.10,"text":"b"}"#)
            let frame = try #require(try await queue.lease().first)
            #expect(try await queue.settle(frame, .reject(reason: "")) == Settled(1))
            #expect(try await letters(of: queue).first?.reason == "rejected")
            let entry = try await redis.cli("XRANGE", "frames:queue:{frames:queue}:dead", "-", "+")
            #expect(entry.contains("_dead_reason"))
            try await queue.enqueue("b")
            #expect(try await queue.buffer.redrive(nil) == 1)
            #expect(try await queue.counts() == [2, 0, 0])
            #expect(try await queue.dequeue() == ["b"])
            let again = try #require(try await queue.lease().first)
            #expect(again.frameID == "a")
            #expect(again.delivery.number == 1)
            #expect(again.delivery.id > frame.delivery.id)
            let names = again.withStored { $0.fields.map(\.name.string) }
            #expect(names == frame.withStored { $0.fields.map(\.name.string) })
        }
    }

    @Test("are redriven one, some or all of them; ids that are none are passed over")
    func redrivenSome() async throws {
        try await TestQueue.with { queue, _ in
            let ids = (0..<50).map { "f\($0)" }
            try await reject(ids, in: queue)
            let letters = try await letters(of: queue)
            #expect(try await queue.buffer.redrive([letters[7].id]) == 1)
            #expect(try await queue.buffer.redrive([letters[7].id]) == 0)
            #expect(try await queue.buffer.redrive(letters[..<30].map(\.id)) == 29)
            #expect(try await queue.counts() == [30, 0, 20])
            #expect(try await queue.buffer.redrive(nil) == 20)
            #expect(try await queue.buffer.redrive(nil) == 0)
            #expect(try await queue.counts() == [50, 0, 0])
            #expect(try await queue.dequeue() == ["f7"])
        }
    }

    @Test("are redriven only while there is room")
    func full() async throws {
        try await TestQueue.with(capacity: 40) { queue, _ in
            try await reject((0..<40).map { "f\($0)" }, in: queue)
            for number in 0..<30 { try await queue.enqueue("\(number)") }
            #expect(try await queue.buffer.redrive(nil) == 10)
            #expect(await failure { try await queue.buffer.redrive(nil) } == .full)
            let letters = try await letters(of: queue)
            #expect(await failure { try await queue.buffer.redrive(letters.map(\.id)) } == .full)
            #expect(try await queue.counts() == [40, 0, 30])
        }
    }

    @Test("are deleted one, some or all of them")
    func deleted() async throws {
        try await TestQueue.with { queue, _ in
            try await reject(["a", "b", "c", "d"], in: queue)
            let letters = try await letters(of: queue)
            #expect(
                try await queue.buffer.deleteDeadLetters([letters[1].id, StreamID(milliseconds: 5, sequence: 5)]) == 1
            )
            #expect(try await self.letters(of: queue).map(\.frameID) == ["a", "c", "d"])
            #expect(try await queue.buffer.deleteDeadLetters(nil) == 3)
            #expect(try await queue.buffer.deleteDeadLetters(nil) == 0)
            #expect(try await queue.counts() == [0, 0, 0])
        }
    }

    @Test("are also what could not be served, and redriven unchanged it dies again")
    func unservable() async throws {
        try await TestQueue.with { queue, redis in
            try await redis.cli("XADD", "frames:queue", "7-7", "frame_id", "x7", "_json", "n", "n", "notjson")
            try await queue.enqueue("fine")
            #expect(try await queue.lease().map(\.frameID) == ["fine"])
            for _ in 0..<2 {
                #expect(try await eventually { try await queue.buffer.size().dead == 1 })
                let letter = try #require(try await letters(of: queue).first)
                #expect(letter.frameID == "x7")
                #expect(letter.reason?.contains("not JSON") == true)
                #expect(try await queue.buffer.redrive([letter.id]) == 1)
                #expect(try await queue.lease(wait: .milliseconds(200)).isEmpty)
            }
        }
    }

    @Test("are none of those that were deleted before, nor are these counted as trimmed")
    func deletedBefore() async throws {
        try await TestQueue.with { queue, _ in
            try await queue.enqueue("a")
            let frame = try #require(try await queue.take().first)
            #expect(try await queue.buffer.delete(frame.delivery.id))
            await queue.buffer.bury(frame.delivery, reason: "unservable")
            #expect(try await eventually { await !queue.buffer.hasFramesInHand })
            #expect(try await queue.counts() == [0, 0, 0])
            #expect(try await queue.buffer.losses().trimmed == 0)
        }
    }

    @Test("out of memory are not redriven, and can be deleted")
    func outOfMemory() async throws {
        try await TestQueue.with { queue, redis in
            try await reject(["a", "b"], in: queue)
            try await redis.cli("CONFIG", "SET", "maxmemory", "1")
            #expect(await failure { try await queue.buffer.redrive(nil) } == .redis(.outOfMemory))
            #expect(try await queue.buffer.deleteDeadLetters(nil) == 2)
        }
    }
}

import NIOCore
import RedisClient
import RedisTesting
import Testing

@testable import FrameBuffer

@Suite("A look at the queue")
struct LookTests {
    @Test("shows frames in order and takes none, waiting or in hand")
    func order() async throws {
        try await TestQueue.with { queue, _ in
            for number in 0..<50 { try await queue.enqueue("\(number)") }
            let inHand = try await queue.take(count: 3)
            let look = try await queue.buffer.look(after: .first, count: 20)
            #expect(look.frameIDs == (0..<20).map(String.init))
            #expect(!look.isAtEnd)
            let rest = try await queue.buffer.look(after: look.last, count: 100)
            #expect(rest.frameIDs == (20..<50).map(String.init))
            #expect(rest.isAtEnd)
            #expect(try await counts(of: queue) == [50, 47, 3])
            for frame in inHand { await queue.buffer.giveBack(frame.delivery) }
            #expect(try await queue.dequeue() == ["0"])
        }
    }

    @Test("leaves out what is settled, also where another group still wants it")
    func settled() async throws {
        try await TestQueue.with { queue, redis in
            for id in ["a", "b"] { try await queue.enqueue(id) }
            try await redis.cli("XGROUP", "CREATE", "frames:queue", "others", "0")
            #expect(try await queue.dequeue() == ["a"])
            #expect(try await eventually { try await queue.buffer.look(after: .first, count: 9).frameIDs == ["b"] })
            let settled = try #require(
                try await redis.cli("XRANGE", "frames:queue", "-", "+", "COUNT", "1").split(separator: "\n").first
            )
            let frame = try await queue.buffer.frame(try #require(StreamID(String(settled))))
            #expect(frame == nil)
        }
    }

    @Test("finds those of a camera, however far apart they are")
    func camera() async throws {
        try await TestQueue.with(capacity: 5000) { queue, _ in
            for number in 0..<300 {
                let camera = number % 100 == 50 ? "rare" : "usual"
                try await queue.enqueue(json: #"{"frame_id":"\#(number)","camera_id":"\#(camera)"}"#)
            }
            let look = try await queue.buffer.look(after: .first, count: 2, cameraID: "rare")
            #expect(look.frameIDs == ["50", "150"])
            #expect(!look.isAtEnd)
            let rest = try await queue.buffer.look(after: look.last, count: 2, cameraID: "rare")
            #expect(rest.frameIDs == ["250"])
            #expect(rest.isAtEnd)
        }
    }

    @Test("brings no more than fits into one reply, and goes on from there")
    func bytes() async throws {
        try await TestQueue.with { queue, _ in
            let large = String(repeating: "x", count: 6 << 20)
            for number in 0..<16 { try await queue.enqueue(json: #"{"frame_id":"\#(number)","data":"\#(large)"}"#) }
            let look = try await queue.buffer.look(after: .first, count: 100)
            #expect((10...12).contains(look.frames.count))
            #expect(try await queue.buffer.look(after: look.last, count: 100).frameIDs.last == "15")
        }
    }

    // MARK: Reading along

    @Test("that reads along sees every frame once, in order, however they come, and takes none")
    func tail() async throws {
        try await TestQueue.with(capacity: 5000) { queue, _ in
            let reading = (0..<3).map { _ in
                Task {
                    var (after, seen) = (StreamID.first, [String]())
                    while seen.count < 300 {
                        let look = try await queue.buffer.tail(after: after, count: 10, wait: .seconds(20))
                        seen += look.frameIDs
                        after = look.last
                    }
                    return seen
                }
            }
            for number in 0..<300 {
                try await queue.enqueue("\(number)")
                if number % 7 == 0 { await Task.yield() }
            }
            for reader in reading { #expect(try await reader.value == (0..<300).map(String.init)) }
            #expect(try await counts(of: queue) == [300, 300, 0])
        }
    }

    @Test("that reads along from now on waits for what comes, and ends empty at its deadline")
    func fromNow() async throws {
        try await TestQueue.with { queue, _ in
            try await queue.enqueue("before")
            let reader = Task { try await queue.buffer.tail(after: nil, count: 10, wait: .seconds(30)).frameIDs }
            let impatient = try await queue.buffer.tail(after: nil, count: 10, wait: .milliseconds(50))
            #expect(impatient.frames.isEmpty)
            #expect(try await eventually { await queue.buffer.tails.count == 1 })
            try await queue.enqueue("after")
            #expect(try await reader.value == ["after"])
        }
    }

    @Test("that reads along ends when its caller leaves, and when the service stops")
    func leaving() async throws {
        try await TestQueue.with { queue, _ in
            let readers = (0..<2).map { _ in
                Task { try await queue.buffer.tail(after: nil, count: 10, wait: .seconds(60)).frames.count }
            }
            let areWaiting = try await eventually { await queue.buffer.tails.count == 2 }
            #expect(areWaiting)
            readers[0].cancel()
            #expect(try await readers[0].value == 0)
            #expect(try await eventually { await queue.buffer.tails.count == 1 })
            queue.buffer.stopPolls()
            #expect(try await readers[1].value == 0)
        }
    }

    @Test("that reads along waits for a silent Redis once, and not for its next look too")
    func silentRedis() async throws {
        var limits = RedisLimits()
        limits.silence = .milliseconds(400)
        try await TestQueue.with(limits: limits) { queue, redis in
            let reader = Task {
                do throws(FrameBufferError) {
                    _ = try await queue.buffer.tail(after: .first, count: 10, wait: .seconds(60))
                    return nil as FrameBufferError?
                } catch {
                    return error
                }
            }
            #expect(try await eventually { try await redis.cli("INFO", "clients").contains("blocked_clients:1") })
            redis.freeze(true)
            let error = await reader.value
            redis.freeze(false)
            #expect(error?.code == .redis(.lostReply))
            let message = try #require(error?.message)
            #expect(message.hasPrefix("XREAD: "))
        }
    }

    // MARK: Deleting

    @Test("A deleted frame is gone, waiting, returned or in hand, and who holds it settles nothing")
    func delete() async throws {
        try await TestQueue.with { queue, redis in
            var ids: [StreamID] = []
            for id in ["held", "returned", "waiting", "rest"] { ids.append(try await queue.enqueue(id).messageID) }
            let frames = try await queue.take(count: 2)
            await queue.buffer.giveBack(frames[1].delivery)
            #expect(try await eventually { try await counts(of: queue) == [4, 3, 1] })
            for id in ids.dropLast() { #expect(try await queue.buffer.delete(id)) }
            #expect(try await counts(of: queue) == [1, 1, 0])
            #expect(try await !queue.buffer.delete(ids[0]))
            await queue.buffer.settle(frames[0].delivery)
            #expect(try await queue.dequeue(count: 9) == ["rest"])
            #expect(try await redis.cli("ZCARD", "frames:queue:{frames:queue}:ready") == "0")
            #expect(try await redis.cli("HLEN", "frames:queue:{frames:queue}:held") == "0")
        }
    }

    @Test("A purge deletes what there is, waiting, returned and in hand, and nothing that comes after it")
    func purge() async throws {
        try await TestQueue.with(capacity: 5000) { queue, redis in
            for number in 0..<300 { try await queue.enqueue("\(number)") }
            let frames = try await queue.take(count: 5)
            await queue.buffer.giveBack(frames[1].delivery)
            #expect(try await eventually { try await counts(of: queue) == [300, 296, 4] })
            #expect(try await queue.buffer.purge() == 300)
            try await queue.enqueue("new")
            #expect(try await counts(of: queue) == [1, 1, 0])
            #expect(try await queue.dequeue(count: 9) == ["new"])
            #expect(try await redis.cli("HLEN", "frames:queue:{frames:queue}:held") == "0")
            #expect(try await eventually { try await queue.buffer.size().size == 0 })
            #expect(try await queue.buffer.purge() == 0)
        }
    }

    @Test("A purge counts no frames that were settled and only kept for another group")
    func purgeKept() async throws {
        try await TestQueue.with { queue, redis in
            for id in ["a", "b", "c"] { try await queue.enqueue(id) }
            try await redis.cli("XGROUP", "CREATE", "frames:queue", "others", "0")
            #expect(try await queue.dequeue() == ["a"])
            #expect(try await eventually { try await queue.buffer.size().size == 2 })
            #expect(try await queue.buffer.purge() == 2)
            #expect(try await redis.cli("XLEN", "frames:queue") == "0")
            #expect(try await redis.cli("ZCARD", "frames:queue:{frames:queue}:kept") == "0")
        }
    }

    @Test(
        "Frames that are deleted or purged here are not counted as trimmed, whoever looks; those that others delete are"
    )
    func trimmed() async throws {
        try await TestQueue.with { queue, redis in
            let other = try TestQueue(redis)
            defer { other.crash() }
            let lookers = [queue, queue, other, other].map { looker in
                Task { while !Task.isCancelled { _ = try await looker.buffer.size() } }
            }
            defer { for looker in lookers { looker.cancel() } }
            for _ in 0..<20 {
                let ids = (0..<100).map(String.init)
                for id in ids { try await queue.enqueue(id) }
                let frames = try await queue.lease(count: 60)
                for frame in frames.prefix(5) { #expect(try await other.buffer.delete(frame.delivery.id)) }
                let returned = frames.dropFirst(5).prefix(5).compactMap(\.receipt)
                #expect(try await queue.settle(returned, .nack(delay: .zero, reason: "")) == Settled(5))
                #expect(try await queue.buffer.purge() == 95)
                #expect(try await queue.settle(frames.compactMap(\.receipt), .ack) == Settled(0, stale: 60))
            }
            #expect(try await queue.buffer.losses().trimmed == 0)
            for looker in lookers { looker.cancel() }
            for id in ["a", "b", "c"] { try await queue.enqueue(id) }
            for frame in try await queue.lease(count: 2) {
                #expect(try await redis.cli("XDEL", "frames:queue", frame.delivery.id.description) == "1")
            }
            #expect(try await queue.buffer.purge() == 1)
            #expect(try await counts(of: queue) == [0, 0, 0])
            #expect(try await queue.buffer.losses().trimmed == 2)
        }
    }

    private func counts(of queue: TestQueue) async throws -> [Int] {
        let size = try await queue.buffer.size()
        return [size.size, size.waiting, size.leased]
    }
}

extension Look {
    /// The ids of its frames.
    var frameIDs: [String] { frames.compactMap { $0.withStored(\.frameID) } }
}

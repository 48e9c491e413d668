import Testing

@testable import FrameTracking

@Suite("SpanQueue")
struct SpanQueueTests {
    @Test("Spans come out in batches, in their order")
    func batches() throws {
        var queue = SpanQueue(capacity: 10, batchSize: 4)
        let offers = (0..<9).map { queue.append(Fixture.span("\($0)")) }
        #expect(offers.enumerated().filter { $0.element == .completedBatch }.map(\.offset) == [3, 7])
        #expect(try queue.takeBatch(partial: false)?.spans.map(\.name) == ["0", "1", "2", "3"])
        #expect(try queue.takeBatch(partial: true)?.spans.map(\.name) == ["4", "5", "6", "7"])
        #expect(queue.takeBatch(partial: false)?.count == nil)
        #expect(queue.count == 1)
        #expect(try queue.takeBatch(partial: true)?.spans.map(\.name) == ["8"])
        #expect(queue.takeBatch(partial: true)?.count == nil)
        #expect(queue.count == 0)
    }

    @Test("What does not fit is dropped, and there is room again when a batch is taken")
    func capacity() {
        var queue = SpanQueue(capacity: 5, batchSize: 2)
        #expect((0..<8).count { _ in queue.append(Fixture.span()) == .dropped } == 3)
        #expect(queue.count == 5)
        let batch = queue.takeBatch(partial: false) ?? SpanBatch()
        #expect(batch.count == 2)
        queue.recycle(batch)
        #expect((0..<3).map { _ in queue.append(Fixture.span()) } == [.completedBatch, .queued, .dropped])
    }
}

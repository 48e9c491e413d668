import Testing

@testable import RedisClient

@Suite("Replies and their callers")
struct CommandPipelineTests {
    @Test("Replies go to their callers in the order of the commands")
    func order() {
        var pipeline = CommandPipeline<Int>()
        for number in 1...3 { _ = pipeline.sent(number) }
        #expect(delivered(&pipeline) == [1, 2, 3])
    }

    @Test("A caller that gave up gets nothing, and its reply goes to nobody else")
    func abandoned() {
        var pipeline = CommandPipeline<Int>()
        _ = pipeline.sent(1)
        let slot = pipeline.sent(2)
        _ = pipeline.sent(3)
        #expect(pipeline.abandon(slot) == 2)
        #expect(pipeline.abandon(slot) == nil)
        #expect(pipeline.count == 3)
        #expect(delivered(&pipeline) == [1, nil, 3])
    }

    @Test("A slot that was answered can't be given up any more")
    func answered() {
        var pipeline = CommandPipeline<Int>()
        let slot = pipeline.sent(1)
        _ = pipeline.reply()
        _ = pipeline.sent(2)
        #expect(pipeline.abandon(slot) == nil)
        #expect(delivered(&pipeline) == [2])
    }

    @Test("A reply that nobody asked for is unexpected")
    func unexpected() {
        var pipeline = CommandPipeline<Int>()
        guard case .unexpected = pipeline.reply() else {
            Issue.record("nothing was asked")
            return
        }
    }

    @Test("At the end all that still wait are handed back, and none that gave up")
    func end() {
        var pipeline = CommandPipeline<Int>()
        let slot = pipeline.sent(1)
        _ = pipeline.sent(2)
        _ = pipeline.abandon(slot)
        #expect(pipeline.removeAll() == [2])
        #expect(pipeline.count == 0)
    }

    private func delivered(_ pipeline: inout CommandPipeline<Int>) -> [Int?] {
        (0..<pipeline.count).map { _ in
            if case .deliver(let waiter) = pipeline.reply() { waiter } else { nil }
        }
    }
}

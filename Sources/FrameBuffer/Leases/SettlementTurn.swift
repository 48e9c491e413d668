internal import RedisClient

/// The receipts that one turn of the loop brought to be settled alike: they share one call, of which most is the same for one
/// receipt and for many.
final class SettlementTurn {
    typealias Waiter = UnsafeContinuation<Answer, Never>

    /// What Redis said, and where in its list the waiter's receipts begin.
    struct Answer {
        let reply: Result<RedisReply, RedisError>
        let start: Int
    }

    private(set) var receipts: [Receipt] = []
    private var waiting: [(waiter: Waiter, start: Int)] = []

    /// Whether there is room for so many more.
    func hasRoom(for count: Int) -> Bool { receipts.count + count <= Settlement.mostReceipts }

    /// A request brings its receipts.
    func add(_ receipts: [Receipt], _ waiter: Waiter) {
        waiting.append((waiter, self.receipts.count))
        self.receipts += receipts
    }

    /// Redis answered, or never will.
    func answered(_ reply: Result<RedisReply, RedisError>) {
        for (waiter, start) in waiting { waiter.resume(returning: Answer(reply: reply, start: start)) }
    }
}

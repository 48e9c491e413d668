/// Spans that wait to be exported, bounded, cut into batches as they come.
///
/// Each operation takes constant time whatever waits, since the queue's owner holds a lock meanwhile; nothing is
/// moved when a batch is taken, and the storage of an exported batch is used again.
struct SpanQueue: Sendable {
    /// How many spans wait.
    private(set) var count = 0

    private let capacity: Int
    private let batchSize: Int
    private var full: [[SpanRecord]] = []
    private var filling: [SpanRecord] = []
    private var spare: [SpanRecord] = []

    /// What became of a span that was offered.
    enum Offer {
        case queued
        /// It was queued and completed a batch.
        case completedBatch
        /// There was no room for it.
        case dropped
    }

    init(capacity: Int, batchSize: Int) {
        self.capacity = max(capacity, 1)
        self.batchSize = min(max(batchSize, 1), self.capacity)
    }

    mutating func append(_ span: consuming SpanRecord) -> Offer {
        guard count < capacity else { return .dropped }
        count += 1
        filling.append(span)
        guard filling.count == batchSize else { return .queued }
        full.append(filling)
        filling = spare
        spare = []
        return .completedBatch
    }

    /// The oldest batch that is complete, or else if `partial` is set what there is of the next.
    mutating func takeBatch(partial: Bool) -> [SpanRecord]? {
        if !full.isEmpty {
            count -= batchSize
            return full.removeFirst()
        }
        guard partial, !filling.isEmpty else { return nil }
        count -= filling.count
        let batch = filling
        filling = spare
        spare = []
        return batch
    }

    /// Takes the storage of a batch back; its spans should have been removed outside of the lock.
    mutating func recycle(_ batch: consuming [SpanRecord]) {
        if filling.capacity == 0 { filling = batch } else { spare = batch }
    }
}

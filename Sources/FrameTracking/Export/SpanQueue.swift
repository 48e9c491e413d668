/// Spans that wait to be exported, bounded, gathered into batches as they come.
///
/// Its owner holds a lock meanwhile: a span is copied once, nothing is moved when a batch is taken, and the memory of an
/// exported batch is used again.
struct SpanQueue: Sendable {
    /// How many spans wait.
    private(set) var count = 0

    private let capacity: Int
    private let batchSize: Int
    private var full: [SpanBatch] = []
    private var filling = SpanBatch()
    private var spare = SpanBatch()

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

    mutating func append(_ span: SpanRecord) -> Offer {
        guard count < capacity else { return .dropped }
        count += 1
        filling.append(span)
        guard filling.count == batchSize else { return .queued }
        full.append(takeFilling())
        return .completedBatch
    }

    /// The oldest batch that is complete, or else if `partial` is set what there is of the next.
    mutating func takeBatch(partial: Bool) -> SpanBatch? {
        if !full.isEmpty {
            count -= batchSize
            return full.removeFirst()
        }
        guard partial, filling.count > 0 else { return nil }
        count -= filling.count
        return takeFilling()
    }

    /// Takes the memory of a batch back.
    mutating func recycle(_ batch: consuming SpanBatch) {
        batch.removeAll()
        spare = batch
    }

    private mutating func takeFilling() -> SpanBatch {
        let batch = filling
        filling = spare
        spare = SpanBatch()
        return batch
    }
}

/// What became of the spans so far, for whoever looks after the service.
public struct TracingStatistics: Hashable, Sendable {
    /// Where spans go: `otlp`, `console`, `none`, or `disabled`.
    public var exporter: String
    /// How many spans wait.
    public var queued = 0
    /// How many spans the receiver took.
    public var exported = 0
    /// How many spans found the queue full, or came after it was closed.
    public var droppedQueueFull = 0
    /// How many spans were in batches that the receiver refused as a whole, once and for all.
    public var droppedRefused = 0
    /// How many spans were in batches that no receiver took in time.
    public var droppedUnreachable = 0
    /// How many spans were left when the time for sending them at the stop was over.
    public var droppedStopped = 0
    /// How many spans the receiver rejected out of batches that it took.
    public var droppedRejected = 0
    /// Whether the last batch could not be delivered.
    public var isFailing = false

    /// How many spans were lost, for whatever reason.
    public var dropped: Int { droppedBy.reduce(0) { $0 + $1.count } }

    /// The same by reason, as operators are told it.
    package var droppedBy: [(reason: StaticString, count: Int)] {
        [
            ("queue_full", droppedQueueFull), ("refused", droppedRefused), ("unreachable", droppedUnreachable),
            ("rejected", droppedRejected), ("stopped", droppedStopped),
        ]
    }

    init(exporter: String) {
        self.exporter = exporter
    }

    mutating func count(_ result: ExportResult, of spans: Int) {
        switch result {
        case .exported(let rejected, _):
            // A receiver that claims to have rejected more than it got must not make the counts go wrong.
            let rejected = min(max(rejected, 0), spans)
            exported += spans - rejected
            droppedRejected += rejected
            isFailing = false
        case .failed(let loss, _):
            switch loss {
            case .refused: droppedRefused += spans
            case .unreachable: droppedUnreachable += spans
            case .stopped: droppedStopped += spans
            }
            isFailing = true
        }
    }
}

internal import RedisClient

/// The frames that one turn of the loop wrote, which share one look at the queue's depth.
struct EnqueueTurn {
    /// Gets the frame's id, or nil where the queue is full, and the queue's size.
    typealias Waiter = UnsafeContinuation<Result<(StreamID?, Int), RedisError>, Never>

    /// How many frames it wrote.
    private(set) var count = 0
    private var waiting = 0
    private var written: [(waiter: Waiter, id: StreamID)] = []
    private var depth: Int?

    /// Whether all that was asked in this turn is answered.
    var isFinished: Bool { waiting == 0 && depth != nil }

    /// A frame leaves for Redis.
    mutating func sent() {
        count += 1
        waiting += 1
    }

    /// Redis answered for a frame, or never will. A failure is told at once.
    mutating func answered(_ waiter: Waiter, _ outcome: Result<StreamID, RedisError>) {
        waiting -= 1
        switch outcome {
        case .success(let id): written.append((waiter, id))
        case .failure(let error): waiter.resume(returning: .failure(error))
        }
    }

    /// How deep the queue is, as Redis said or, where it could not say, as it was last known: a frame that was written was
    /// written all the same.
    mutating func saw(depth: Int) {
        self.depth = depth
    }

    /// Tells all whose frames were written.
    func finish() {
        for (waiter, id) in written { waiter.resume(returning: .success((id, depth ?? 0))) }
    }
}

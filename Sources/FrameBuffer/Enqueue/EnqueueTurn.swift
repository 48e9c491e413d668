internal import RedisClient

/// The frames that one turn of the loop wrote, which share one look at the queue's depth.
final class EnqueueTurn {
    typealias Waiter = UnsafeContinuation<Result<FrameBuffer.Place?, RedisError>, Never>

    /// How many frames it wrote.
    private(set) var count = 0
    /// How many of the entries in the stream are settled frames.
    var kept = 0
    private var waiting = 0
    private var written: [(waiter: Waiter, id: StreamID)] = []
    private var depth: Int?

    /// A frame leaves for Redis.
    func sent() {
        count += 1
        waiting += 1
    }

    /// Redis answered for a frame, or never will. A failure is told at once.
    func answered(_ waiter: Waiter, _ outcome: Result<StreamID, RedisError>) {
        waiting -= 1
        switch outcome {
        case .success(let id): written.append((waiter, id))
        case .failure(let error): waiter.resume(returning: .failure(error))
        }
        finishIfDone()
    }

    /// How deep the queue is, as Redis said or, where it could not say, as it was last known: a frame that was written was
    /// written all the same.
    func saw(depth: Int) {
        self.depth = depth
        finishIfDone()
    }

    /// Once all that was asked in this turn is answered, all whose frames were written are told.
    private func finishIfDone() {
        guard waiting == 0, let depth else { return }
        for (waiter, id) in written { waiter.resume(returning: .success(FrameBuffer.Place(id: id, depth: depth))) }
    }
}

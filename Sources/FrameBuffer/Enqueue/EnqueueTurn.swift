internal import RedisClient

/// The frames that one turn of the loop wrote, which share one look at the queue's depth.
struct EnqueueTurn {
    typealias Outcome = Result<StreamID, RedisError>
    typealias Waiter = UnsafeContinuation<Result<(StreamID, Int), RedisError>, Never>

    private(set) var frames: [(waiter: Waiter, outcome: Outcome?)] = []

    /// Takes a frame in, and says which of the turn it is.
    mutating func add(_ waiter: Waiter) -> Int {
        frames.append((waiter, nil))
        return frames.count - 1
    }

    /// Redis answered for one frame.
    mutating func answered(_ index: Int, _ outcome: Outcome) {
        frames[index].outcome = outcome
    }

    /// Redis said, or could not say, how deep the queue is, the last answer of the turn.
    func finish(depth: Result<Int, RedisError>) {
        for frame in frames {
            switch (frame.outcome, depth) {
            case (.success(let id), .success(let depth)): frame.waiter.resume(returning: .success((id, depth)))
            case (.failure(let error), _): frame.waiter.resume(returning: .failure(error))
            case (_, .failure(let error)): frame.waiter.resume(returning: .failure(error))
            case (nil, .success):
                let error = RedisError(.protocolViolation, "XADD was not answered before XLEN")
                frame.waiter.resume(returning: .failure(error))
            }
        }
    }
}

internal import RedisClient

/// The frames of one turn of the loop: they are written together, and share one look at the queue's depth.
final class EnqueueTurn {
    typealias Waiter = UnsafeContinuation<Result<FrameBuffer.Place?, RedisError>, Never>

    /// The frames, and who waits for each.
    private(set) var frames: [(entry: StreamEntry, waiter: Waiter, id: StreamID?)] = []
    /// How many of the entries in the stream are settled frames.
    var kept = 0
    /// How many bytes of those that were sent Redis did not take.
    private(set) var refusedBytes = 0
    private var answered = 0
    private var depth: Int?

    /// How many frames it writes.
    var count: Int { frames.count }

    /// Whether it is not to wait for more: while Redis writes these, the loop prepares the next.
    var isFull: Bool { count >= Self.most }

    private static let most = 16

    /// One more frame is to be written.
    func add(_ entry: StreamEntry, _ waiter: Waiter) {
        frames.append((entry, waiter, nil))
    }

    /// Redis answered for the frame at `index`, or never will. A failure is told at once.
    func answered(_ index: Int, _ outcome: Result<StreamID, RedisError>) {
        answered += 1
        switch outcome {
        case .success(let id): frames[index].id = id
        case .failure(let error):
            refusedBytes += frames[index].entry.memory
            frames[index].waiter.resume(returning: .failure(error))
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
        guard answered == count, let depth else { return }
        for case (_, let waiter, let id?) in frames {
            waiter.resume(returning: .success(FrameBuffer.Place(id: id, depth: depth)))
        }
    }
}

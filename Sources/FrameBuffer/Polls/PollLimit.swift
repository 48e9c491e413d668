internal import Synchronization

/// How many polls may wait at once, whatever they wait for: shared by all queues and event loops of a process.
package final class PollLimit: Sendable {
    /// The most.
    package let most: Int
    private let waiting = Atomic(0)

    /// How many wait now.
    package var count: Int { waiting.load(ordering: .relaxed) }

    /// A limit of `most` polls.
    package init(_ most: Int) {
        self.most = most
    }

    /// What a poll hears that may not wait.
    var refusal: FrameBufferError {
        FrameBufferError(.tooManyPolls, "as many polls wait already as may: \(most)")
    }

    /// A poll begins to wait; false if it may not.
    func enter() -> Bool {
        if waiting.add(1, ordering: .relaxed).newValue <= most { return true }
        leave()
        return false
    }

    /// As many polls wait no more.
    func leave(_ count: Int = 1) {
        waiting.subtract(count, ordering: .relaxed)
    }
}

internal import DequeModule
internal import NIOCore

/// Who waits for frames, first come, first served.
///
/// It does no I/O and knows no clock. A poll ends in one of four ways: frames are dealt to it, it ends empty at its
/// deadline, it is cancelled, or it fails because Redis gave no sign for too long. Whatever is to be told to whom is
/// returned; `Waiter` is whoever is told.
struct PollQueue<Waiter> {
    /// Names one poll.
    struct ID: Hashable, Sendable {
        fileprivate let number: Int
    }

    /// What one poll gets.
    struct Deal {
        let waiter: Waiter
        /// Which of the frames.
        let frames: Range<Int>
    }

    /// The polls that have come to their ends.
    struct Ended {
        /// They waited as long as they wanted to, and a look into the queue showed nothing.
        var empty: [Waiter] = []
        /// Redis gave no sign for as long as a request may wait.
        var failed: [Waiter] = []
    }

    private struct Poll {
        let count: Int
        let deadline: NIODeadline
        let arrived: NIODeadline
        /// Looks begun before the poll came don't count for it: a frame may have arrived between the two.
        let firstLook: Int
        let waiter: Waiter
        /// Its time is up, and it waits only for the look that it was promised.
        var isOverdue: Bool
    }

    /// The longest that a poll waits while no look into the queue comes to its end.
    private let patience: TimeAmount
    private let limit: PollLimit
    private var polls: [Int: Poll] = [:]
    private var order: Deque<Int> = []
    private var next = 0
    private var looksBegun = 0
    private var looksEnded = 0
    private var lastSign: NIODeadline

    init(limit: PollLimit, patience: TimeAmount = .seconds(1), now: NIODeadline) {
        self.limit = limit
        self.patience = patience
        lastSign = now
    }

    /// How many wait.
    var count: Int { polls.count }

    /// How many frames they want together.
    private(set) var wanted = 0

    /// How many have waited as long as they wanted to, and end with the next look that shows nothing.
    private(set) var overdue = 0

    // MARK: Coming and going

    /// Takes a poll in; nil if too many wait already.
    mutating func add(_ waiter: Waiter, count: Int, until deadline: NIODeadline, now: NIODeadline) -> ID? {
        guard limit.enter() else { return nil }
        defer { next += 1 }
        polls[next] = Poll(
            count: count,
            deadline: deadline,
            arrived: now,
            firstLook: looksBegun + 1,
            waiter: waiter,
            isOverdue: deadline <= now
        )
        order.append(next)
        wanted += count
        if deadline <= now { overdue += 1 }
        return ID(number: next)
    }

    /// Takes a poll out whose caller left; nil if it has ended already.
    mutating func cancel(_ id: ID) -> Waiter? {
        remove(id.number)?.waiter
    }

    /// Takes all of them out.
    mutating func removeAll() -> [Waiter] {
        defer {
            limit.leave(polls.count)
            polls = [:]
            order = []
            wanted = 0
            overdue = 0
        }
        return order.compactMap { polls[$0]?.waiter }
    }

    // MARK: Dealing

    /// Deals frames of the given sizes in bytes. What is left over nobody waits for: it goes back.
    mutating func deal(sizes: [Int], bytesEach limit: Int) -> (deals: [Deal], leftOver: Range<Int>) {
        var deals: [Deal] = []
        var start = 0
        while start < sizes.count, let poll = popFirst() {
            var end = start
            var bytes = 0
            while end < sizes.count, end - start < poll.count, end == start || bytes + sizes[end] <= limit {
                bytes += sizes[end]
                end += 1
            }
            deals.append(Deal(waiter: poll.waiter, frames: start..<end))
            start = end
        }
        return (deals, start..<sizes.count)
    }

    // MARK: Looking and ending

    /// A look into the queue begins.
    mutating func lookBegan() {
        looksBegun += 1
    }

    /// The look came to its end, and saw all there was.
    mutating func lookEnded(now: NIODeadline) {
        looksEnded = looksBegun
        lastSign = now
    }

    /// Takes out the polls whose time has come.
    mutating func end(now: NIODeadline) -> Ended {
        var ended = Ended()
        for number in order {
            guard let poll = polls[number] else { continue }
            if poll.deadline <= now, poll.firstLook <= looksEnded {
                ended.empty.append(poll.waiter)
            } else if max(poll.arrived, lastSign) + patience <= now {
                ended.failed.append(poll.waiter)
            } else {
                if poll.deadline <= now, !poll.isOverdue {
                    polls[number]?.isOverdue = true
                    overdue += 1
                }
                continue
            }
            _ = remove(number)
        }
        return ended
    }

    /// When ``end(now:)`` is worth calling next, if no look ends before that; nil while nobody waits. Looks at all polls.
    var nextEnd: NIODeadline? {
        polls.values.lazy.map { poll in
            let lost = max(poll.arrived, lastSign) + patience
            return poll.isOverdue ? lost : min(poll.deadline, lost)
        }.min()
    }

    private mutating func popFirst() -> Poll? {
        while let number = order.popFirst() {
            if let poll = remove(number) { return poll }
        }
        return nil
    }

    private mutating func remove(_ number: Int) -> Poll? {
        guard let poll = polls.removeValue(forKey: number) else { return nil }
        limit.leave()
        wanted -= poll.count
        if poll.isOverdue { overdue -= 1 }
        // Those that left are swept out once they are most of what is kept.
        if order.count > 64, order.count > 2 * polls.count { order.removeAll { polls[$0] == nil } }
        return poll
    }
}

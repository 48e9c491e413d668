internal import DequeModule
internal import NIOCore

/// Who waits for frames, first come, first served.
///
/// It does no I/O and knows no clock. A poll ends in one of four ways: frames are dealt to it, it ends empty at its
/// deadline, it is cancelled, or it fails because Redis gave no sign for too long. Whatever is to be told to whom is
/// returned; `Waiter` is whoever is told.
struct PollQueue<Waiter> {
    /// Names one poll.
    struct ID {
        fileprivate let poll: Poll
    }

    /// A frame that is to be dealt.
    struct Offer {
        /// Its bytes.
        let size: Int
        /// How old it is, in milliseconds; only looked at where ``PollQueue/selective`` polls wait.
        var age = 0
        /// Whose it is, likewise.
        var camera: String?
    }

    /// What becomes of a frame.
    enum Fate: Equatable {
        /// Nobody has it, for now.
        case left
        /// It goes to the waiter of this index.
        case dealt(Int)
        /// It is older than the poll wants it whose turn it is.
        case expired
        /// A newer one of its camera is there, for a poll that wants only that.
        case superseded
    }

    /// Who gets something, and what becomes of each frame.
    struct Deal {
        fileprivate(set) var waiters: [Waiter] = []
        fileprivate(set) var fates: [Fate]
    }

    /// The polls that have come to their ends.
    struct Ended {
        /// They waited as long as they wanted to, and a look into the queue showed nothing.
        var empty: [Waiter] = []
        /// Redis gave no sign for as long as a request may wait.
        var failed: [Waiter] = []
    }

    fileprivate final class Poll {
        let count: Int
        /// In milliseconds.
        let maxAge: Int
        let isLatest: Bool
        let deadline: NIODeadline
        let arrived: NIODeadline
        /// Looks begun before the poll came don't count for it: a frame may have arrived between the two.
        let firstLook: Int
        let waiter: Waiter
        /// Its time is up, and it waits only for the look that it was promised.
        var isOverdue: Bool
        var hasEnded = false

        var isSelective: Bool { isLatest || maxAge < .max }

        init(
            _ waiter: Waiter,
            count: Int,
            of selection: FrameSelection,
            until deadline: NIODeadline,
            now: NIODeadline,
            firstLook: Int
        ) {
            self.count = count
            maxAge = selection.maxAge.map { Int(clamping: $0.milliseconds) } ?? .max
            isLatest = selection.isLatest
            self.deadline = deadline
            arrived = now
            self.firstLook = firstLook
            self.waiter = waiter
            isOverdue = deadline <= now
        }
    }

    /// The longest that a poll waits while no look into the queue comes to its end.
    private let patience: TimeAmount
    private let limit: PollLimit
    /// In the order in which they came; those among them that have ended are swept out later.
    private var polls: Deque<Poll> = []
    private var looksBegun = 0
    private var looksEnded = 0
    private var lastSign: NIODeadline

    init(limit: PollLimit, patience: TimeAmount = .seconds(1), now: NIODeadline) {
        self.limit = limit
        self.patience = patience
        lastSign = now
    }

    /// How many wait.
    private(set) var count = 0

    /// How many have waited as long as they wanted to, and end with the next look that shows nothing.
    private(set) var overdue = 0

    /// How many don't take any frame.
    private(set) var selective = 0

    /// How many want only the newest of each camera: they are dealt to when all frames are known that wait.
    private(set) var latest = 0

    /// How many frames the first of them want together.
    func wanted(byFirst most: Int) -> Int {
        polls.lazy.filter { !$0.hasEnded }.prefix(most).reduce(0) { $0 + $1.count }
    }

    // MARK: Coming and going

    /// Takes a poll in; nil if too many wait already.
    mutating func add(
        _ waiter: Waiter,
        count: Int,
        of selection: FrameSelection = FrameSelection(),
        until deadline: NIODeadline,
        now: NIODeadline
    ) -> ID? {
        guard limit.enter() else { return nil }
        let poll = Poll(waiter, count: count, of: selection, until: deadline, now: now, firstLook: looksBegun + 1)
        polls.append(poll)
        self.count += 1
        if poll.isOverdue { overdue += 1 }
        if poll.isSelective { selective += 1 }
        if poll.isLatest { latest += 1 }
        return ID(poll: poll)
    }

    /// Takes a poll out whose caller left; nil if it has ended already.
    mutating func cancel(_ id: ID) -> Waiter? {
        guard !id.poll.hasEnded else { return nil }
        end(id.poll)
        // Those that left are swept out once they are most of what is kept.
        if polls.count > 64, polls.count > 2 * count { polls.removeAll(where: \.hasEnded) }
        return id.poll.waiter
    }

    /// Takes all of them out.
    mutating func removeAll() -> [Waiter] {
        let waiting = polls.filter { !$0.hasEnded }
        polls = []
        for poll in waiting { end(poll) }
        return waiting.map(\.waiter)
    }

    // MARK: Dealing

    /// Deals frames, which are in the order of the queue. What is left nobody wants for now.
    ///
    /// - Parameters:
    ///   - areAll: whether these are all frames that wait. As long as there may be more, a poll that wants the newest waits,
    ///     and all behind it.
    ///   - limit: the most bytes that one poll gets, but for a single larger frame.
    mutating func deal(_ offers: [Offer], areAll: Bool = false, bytesEach limit: Int) -> Deal {
        var deal = Deal(fates: Array(repeating: .left, count: offers.count))
        var start = 0
        while start < offers.count, let poll = first {
            if poll.isLatest {
                supersede(offers, from: start, &deal)
                guard areAll else { break }
            }
            var (index, count, bytes) = (start, 0, 0)
            while index < offers.count, count < poll.count {
                if deal.fates[index] == .left {
                    if offers[index].age > poll.maxAge {
                        deal.fates[index] = .expired
                    } else {
                        guard count == 0 || bytes + offers[index].size <= limit else { break }
                        deal.fates[index] = .dealt(deal.waiters.count)
                        bytes += offers[index].size
                        count += 1
                    }
                }
                index += 1
            }
            start = index
            // Nothing was for it: it waits on.
            guard count > 0 else { break }
            deal.waiters.append(poll.waiter)
            end(poll)
        }
        return deal
    }

    /// Leaves of each camera the newest.
    private func supersede(_ offers: [Offer], from start: Int, _ deal: inout Deal) {
        var seen: Set<String?> = []
        for index in (start..<offers.count).reversed() where deal.fates[index] == .left {
            if !seen.insert(offers[index].camera).inserted { deal.fates[index] = .superseded }
        }
    }

    // MARK: Looking and ending

    /// A look into the queue begins.
    mutating func lookBegan() {
        looksBegun += 1
    }

    /// Redis gave a sign of life: the look goes on.
    mutating func sawSign(at time: NIODeadline) {
        lastSign = max(lastSign, time)
    }

    /// The look came to its end, and saw all there was.
    mutating func lookEnded(now: NIODeadline) {
        looksEnded = looksBegun
        lastSign = now
    }

    /// Takes out the polls whose time has come.
    mutating func end(now: NIODeadline) -> Ended {
        var ended = Ended()
        for poll in polls where !poll.hasEnded {
            if poll.deadline <= now, poll.firstLook <= looksEnded {
                ended.empty.append(poll.waiter)
                end(poll)
            } else if max(poll.arrived, lastSign) + patience <= now {
                ended.failed.append(poll.waiter)
                end(poll)
            } else if poll.deadline <= now, !poll.isOverdue {
                poll.isOverdue = true
                overdue += 1
            }
        }
        polls.removeAll(where: \.hasEnded)
        return ended
    }

    /// When ``end(now:)`` is worth calling next, if no look ends before that; nil while nobody waits. Looks at all polls.
    var nextEnd: NIODeadline? {
        polls.lazy.filter { !$0.hasEnded }.map { poll in
            let lost = max(poll.arrived, lastSign) + patience
            return poll.isOverdue ? lost : min(poll.deadline, lost)
        }.min()
    }

    /// Who is next.
    private var first: Poll? {
        mutating get {
            while let poll = polls.first {
                guard poll.hasEnded else { return poll }
                polls.removeFirst()
            }
            return nil
        }
    }

    private mutating func end(_ poll: Poll) {
        poll.hasEnded = true
        limit.leave()
        count -= 1
        if poll.isOverdue { overdue -= 1 }
        if poll.isSelective { selective -= 1 }
        if poll.isLatest { latest -= 1 }
    }
}

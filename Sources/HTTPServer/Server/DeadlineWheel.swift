import NIOCore

/// The deadlines of all connections of one event loop, by one timer.
///
/// Each connection stands in at most one valid slot. Moving its deadline back, as each request does, costs nothing: when
/// the slot's time comes, the connection is asked for its deadline, and enters the wheel anew. So a deadline is met up
/// to one tick late, and no timer is made for a request. Slots hold numbers, not connections, so that one which has
/// closed is not kept until its time.
final class DeadlineWheel {
    /// What a connection that is in no slot remembers as its tick.
    static let noTick = Int.max

    /// Slots are this far apart.
    static let tickLength = TimeAmount.milliseconds(50)

    private static let slotCount = 2048

    private let eventLoop: any EventLoop
    private let isDue: (_ connection: Int, _ tick: Int) -> Void
    private let start: NIODeadline
    private var slots: [[Int]]
    private var firedTick = 0
    private var timer: Scheduled<Void>?
    private var timerTick = noTick

    /// Makes a wheel without deadlines.
    ///
    /// - Parameter isDue: Is told of each slot's connections when its time has come. A tick that is not the one which the
    ///   connection remembers is out of date.
    init(eventLoop: any EventLoop, isDue: @escaping (_ connection: Int, _ tick: Int) -> Void) {
        self.eventLoop = eventLoop
        self.isDue = isDue
        start = eventLoop.now
        slots = Array(repeating: [], count: Self.slotCount)
    }

    /// Puts a connection into the slot of its deadline, unless it is to be asked before that anyhow.
    ///
    /// - Parameter tick: The tick that the connection remembers.
    func schedule(_ connection: Int, at deadline: NIODeadline, tick: inout Int) {
        // Nothing was counted while nothing was due.
        if timerTick == Self.noTick { firedTick = currentTick }
        let ticksUp = ((deadline - start).nanoseconds - 1) / Self.tickLength.nanoseconds + 1
        // A deadline beyond the wheel is looked at once on the way.
        let due = min(max(Int(ticksUp), firedTick + 1), firedTick + Self.slotCount - 1)
        guard due < tick else { return }
        tick = due
        slots[due % Self.slotCount].append(connection)
        if due < timerTick { setTimer(due) }
    }

    private func setTimer(_ tick: Int) {
        timer?.cancel()
        timerTick = tick
        let time = start + .nanoseconds(Int64(tick) * Self.tickLength.nanoseconds)
        timer = eventLoop.assumeIsolated().scheduleTask(deadline: time) { [weak self] in self?.fire() }
    }

    private func fire() {
        let nowTick = currentTick
        while firedTick < nowTick {
            firedTick += 1
            fireSlot(of: firedTick)
        }
        timerTick = Self.noTick
        if let next = (1..<Self.slotCount).first(where: { !slots[(firedTick + $0) % Self.slotCount].isEmpty }) {
            setTimer(firedTick + next)
        }
    }

    private var currentTick: Int {
        Int((eventLoop.now - start).nanoseconds / Self.tickLength.nanoseconds)
    }

    private func fireSlot(of tick: Int) {
        let slot = tick % Self.slotCount
        guard !slots[slot].isEmpty else { return }
        let due = slots[slot]
        slots[slot] = []
        for connection in due { isDue(connection, tick) }
    }
}

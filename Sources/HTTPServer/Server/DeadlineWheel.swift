import NIOCore

/// The deadlines of all connections of one event loop, by one timer.
///
/// Each connection stands in at most one valid slot. Moving its deadline back, as each request does, costs nothing: when
/// the slot's time comes, the connection is asked for its deadline, and enters the wheel anew. So a deadline is met up
/// to one tick late, and no timer is made for a request.
final class DeadlineWheel {
    /// Slots are this far apart.
    static let tickLength = TimeAmount.milliseconds(50)

    private static let slotCount = 2048

    private let eventLoop: any EventLoop
    private let start: NIODeadline
    private var slots: [[HTTPConnectionHandler]]
    private var firedTick = 0
    private var timer: Scheduled<Void>?
    private var timerTick = Int.max

    init(eventLoop: any EventLoop) {
        self.eventLoop = eventLoop
        start = eventLoop.now
        slots = Array(repeating: [], count: Self.slotCount)
    }

    /// Has ``HTTPConnectionHandler/deadlineReached()`` called at or shortly after the deadline, if not before.
    func schedule(_ connection: HTTPConnectionHandler, at deadline: NIODeadline) {
        let ticksUp = ((deadline - start).nanoseconds - 1) / Self.tickLength.nanoseconds + 1
        // A deadline beyond the wheel is looked at once on the way.
        let tick = min(max(Int(ticksUp), firedTick + 1), firedTick + Self.slotCount - 1)
        guard tick < connection.wheelTick else { return }
        connection.wheelTick = tick
        slots[tick % Self.slotCount].append(connection)
        if tick < timerTick { setTimer(tick) }
    }

    private func setTimer(_ tick: Int) {
        timer?.cancel()
        timerTick = tick
        let time = start + .nanoseconds(Int64(tick) * Self.tickLength.nanoseconds)
        timer = eventLoop.assumeIsolated().scheduleTask(deadline: time) { self.fire() }
    }

    private func fire() {
        let nowTick = Int((eventLoop.now - start).nanoseconds / Self.tickLength.nanoseconds)
        timerTick = Int.max
        while firedTick < nowTick {
            firedTick += 1
            fireSlot(of: firedTick)
        }
        let next = (1..<Self.slotCount).first { !slots[(firedTick + $0) % Self.slotCount].isEmpty }
        if let next, firedTick + next < timerTick { setTimer(firedTick + next) }
    }

    private func fireSlot(of tick: Int) {
        let slot = tick % Self.slotCount
        guard !slots[slot].isEmpty else { return }
        let due = slots[slot]
        slots[slot] = []
        // Connections that have moved to an earlier slot since have left a stale entry here.
        for connection in due where connection.wheelTick == tick {
            connection.wheelTick = Int.max
            connection.deadlineReached()
        }
    }
}

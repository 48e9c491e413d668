/// What happened to a queue's frames on one event loop since the process began.
package struct QueueActivity: Sendable {
    /// Frames that Redis has been given; duplicates are none.
    package internal(set) var enqueued = 0
    /// Frames that were given to a caller, be it again.
    package internal(set) var dequeued = 0
    /// Frames that reached their caller, or whose leases were acknowledged.
    package internal(set) var settled = 0
    /// Frames that were given to a caller and did not reach it: they went back.
    package internal(set) var returned = 0
    /// Frames that their holders handed back.
    package internal(set) var nacked = 0
    /// Frames that went to the dead letters.
    package internal(set) var dead = 0

    /// Nothing yet.
    package init() {}

    /// What happened on two loops together.
    package static func + (left: QueueActivity, right: QueueActivity) -> QueueActivity {
        var sum = left
        sum.enqueued += right.enqueued
        sum.dequeued += right.dequeued
        sum.settled += right.settled
        sum.returned += right.returned
        sum.nacked += right.nacked
        sum.dead += right.dead
        return sum
    }
}

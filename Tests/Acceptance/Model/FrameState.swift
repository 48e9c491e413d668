/// Where a frame is, as the contract has it.
struct FrameState: Hashable, Sendable {
    enum Place: Hashable, Sendable {
        case unwritten
        /// To be handed out.
        case waiting
        /// Under a lease, or nacked with a delay: nobody else gets it before that.
        case leased(until: Duration)
        /// Handed out without a lease.
        case taken
        /// A dead letter: its id, once somebody saw it, and why, where that is known.
        case dead(letter: String?, reasons: Set<String>)
        case gone(Exit)
    }

    enum Exit: String, Hashable, Sendable {
        case settled, deleted, dropped, expired, superseded

        /// Those that nobody is told of, and that the service counts.
        static let counted: [Exit] = [.dropped, .expired, .superseded]
    }

    var place = Place.unwritten
    /// The earliest moment at which it can have come there.
    var since = Duration.zero
    /// How many deliveries count, the one that is under way included.
    var deliveries = 0
    /// What settles it, until it is handed out again.
    var receipt: String?
    var isNacked = false
    /// Its caller reset the connection.
    var isReset = false
    /// When the process died that handed it out without a lease and may not have settled it.
    var processDied: Duration?
    /// nil where it is not known yet.
    var messageID: String?
    /// Those that it had before it was redriven.
    var formerIDs: Set<String> = []
    /// That of its first posting, which a duplicate is told of.
    var firstID: String?
    /// Receipts that settled it, and when.
    var settled: [String: Duration] = [:]
    /// The earliest moment at which all that happened can have happened.
    var time = Duration.zero

    /// Whether it was written, as far as this tells.
    var isWritten: Bool { place != .unwritten }

    /// It goes somewhere else, now or at a moment before.
    func moved(to place: Place, at moment: Duration? = nil) -> FrameState {
        var next = self
        next.place = place
        next.since = moment ?? time
        return next
    }
}

/// Something that was asked about one frame, or seen of it, and the answer. Times count from the start of the run.
struct FrameStep: Sendable {
    /// What was asked for, with what was answered.
    enum Action: Hashable, Sendable {
        /// Posted: Redis has it, or had it already, under this message id; nil where no answer says.
        case post(Posting, messageID: String?)
        /// A caller has read it.
        case handOut(HandOut)
        /// A receipt was used; nil where no answer says what came of it.
        case settle(Settling, receipt: String, Outcome?)
        /// Deleted by its message id; whether it was there.
        case delete(messageID: String, Bool?)
        /// All frames were deleted.
        case purge
        /// A list of the dead letters showed it.
        case showDead(Letter)
        /// Put back into the queue by the letter's id, or with all others (nil); whether it was there.
        case redrive(letter: String?, Bool?)
        /// The dead letter was deleted by its id, or with all others (nil); whether it was there.
        case deleteLetter(letter: String?, Bool?)
        /// What was found of it when all had come to rest.
        case find(Found)
    }

    enum Posting: Hashable, Sendable { case written, known, unclear }

    struct HandOut: Hashable, Sendable {
        let messageID: String
        let deliveries: Int
        /// nil: it is the caller's once the reply has reached it.
        var receipt: String?
        var lease = Duration.zero
        /// Whether its caller then reset the connection, so that the reply may count as one that reached nobody.
        var isReset = false
        /// When the process that handed it out died, if that was before it surely had settled it.
        var processDied: Duration?
    }

    enum Settling: Hashable, Sendable {
        case ack
        case nack(delay: Duration, reason: String)
        case extend(Duration)
        case reject(reason: String)
    }

    enum Outcome: Hashable, Sendable {
        case settled, neither, stale
        /// One of several receipts, of which some were settled and the others had been.
        case notStale
    }

    struct Letter: Hashable, Sendable {
        let id: String
        let formerID: String
        let deliveries: Int
        let reason: String
    }

    enum Found: Hashable, Sendable {
        case waiting(messageID: String)
        case dead(Letter)
        case nothing
    }

    let start: Duration
    let end: Duration
    let action: Action
    /// False for what may have happened or not, as no answer came: in that case at any time until `end`.
    var isCertain = true

    /// The end of what may happen at any time to come.
    static let never = Duration.seconds(1 << 40)
}

extension FrameStep: CustomStringConvertible {
    var description: String {
        func seconds(_ time: Duration) -> String {
            time >= Self.never ? "…" : "\(Double(Int(time / .milliseconds(1))) / 1000)"
        }
        // Without the names of types, which say nothing here.
        let text = "\(action)".replacing(/Acceptance\.[\w.]*\.|Optional/, with: "")
        return "\(seconds(start))–\(seconds(end)) \(isCertain ? "" : "perhaps ")\(text)"
    }
}

/// For how long, and to whom, frames are to be leased.
package struct LeaseTerms: Sendable {
    /// How long the holder has to settle each of them.
    package let duration: Duration
    /// Who the holder says it is.
    package let holder: String

    /// Terms for the frames of one poll. A duration is 1 s to 1 h, as ``durations`` says.
    package init(duration: Duration, holder: String) {
        self.duration = duration
        self.holder = holder
    }

    /// How long a lease may last.
    package static let durations = Duration.seconds(1) ... .seconds(3600)
}

/// A lease that was given: until it ends, the frame is its holder's.
package struct Lease: Sendable {
    /// What the holder settles the frame with.
    package let receipt: Receipt
    /// How long it lasts.
    package let duration: Duration
}

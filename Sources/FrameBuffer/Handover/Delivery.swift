/// One handing out of a frame: what is to be settled or returned.
package struct Delivery: Sendable {
    /// The frame's message id.
    package let id: StreamID
    /// Which delivery of the frame this is, from 1.
    package let number: Int
    /// How often in a row it has failed to reach a caller.
    var failures: Int
    /// The lease that it was given under; nil where the caller has it once the reply has reached it.
    package internal(set) var lease: Lease?
}

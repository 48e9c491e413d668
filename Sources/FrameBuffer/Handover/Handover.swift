/// What Redis is still to be told of frames that were handed out here.
struct Handover {
    /// They reached their callers.
    var settled: [Delivery] = []
    /// They reached nobody.
    var returned: [Delivery] = []
    /// Nobody wants them any more.
    var unwanted: [UnwantedFrame] = []
    /// They can't be served, and why.
    var buried: [(delivery: Delivery, reason: String)] = []
}

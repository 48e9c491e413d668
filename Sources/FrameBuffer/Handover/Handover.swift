/// What Redis is still to be told of frames that were handed out here.
struct Handover {
    /// They reached their callers.
    var settled: [DequeuedFrame] = []
    /// They reached nobody.
    var returned: [DequeuedFrame] = []
    /// They can't be served, and why.
    var buried: [(frame: DequeuedFrame, reason: String)] = []

    var isEmpty: Bool { settled.isEmpty && returned.isEmpty && buried.isEmpty }
}

/// The names of one queue's keys. The sidecars' hash tag puts them into the queue's own slot of a Redis Cluster.
struct QueueKeys: Sendable {
    /// The stream of the frames.
    let stream: String
    /// Sorted set: returned frames, in the order of the stream.
    let ready: String
    /// Hash: of each returned frame, how often it was delivered and how often it failed to reach a caller.
    let held: String
    /// Sorted set: frames settled here that another group still wants.
    let kept: String
    /// Sorted set: leased frames and the ends of their leases.
    let lease: String
    /// Stream: dead letters.
    let dead: String
    /// Hash: the heartbeats of the processes.
    let processes: String
    /// Hash: what was trimmed, and the like.
    let counters: String

    init(queue: String) {
        stream = queue
        func sidecar(_ name: String) -> String { "\(queue):{\(queue)}:\(name)" }
        ready = sidecar("ready")
        held = sidecar("held")
        kept = sidecar("kept")
        lease = sidecar("lease")
        dead = sidecar("dead")
        processes = sidecar("procs")
        counters = sidecar("counters")
    }
}

/// The names of one queue's keys. The sidecars' hash tag puts them into the queue's own slot of a Redis Cluster.
struct QueueKeys: Sendable {
    /// The stream of the frames.
    let stream: String
    /// Sorted set: returned frames, in the order of the stream.
    let ready: String
    /// Hash: of each leased or returned frame, its last hand-out that counted.
    let held: String
    /// Sorted set: frames settled here that another group still wants.
    let kept: String
    /// Sorted set: leased frames and the ends of their leases.
    let lease: String
    /// Stream: dead letters.
    let dead: String
    /// Sorted set: receipts that settled their frames a short while ago.
    let settled: String
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
        settled = sidecar("settled")
        processes = sidecar("procs")
        counters = sidecar("counters")
    }

    /// Those that scripts about frames in hand have to do with, in the order in which they know them.
    var all: [String] { [stream, ready, held, lease, kept, dead, settled, counters] }
}

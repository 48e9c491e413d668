internal import Crypto

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
    /// Hash: the last frame of each camera.
    let cameras: String

    /// Those that scripts about frames in hand have to do with, in the order in which they know them.
    let all: [String]
    private let prefix: String

    init(queue: String) {
        stream = queue
        let prefix = "\(queue):{\(queue)}:"
        self.prefix = prefix
        func sidecar(_ name: String) -> String { prefix + name }
        ready = sidecar("ready")
        held = sidecar("held")
        kept = sidecar("kept")
        lease = sidecar("lease")
        dead = sidecar("dead")
        settled = sidecar("settled")
        processes = sidecar("procs")
        counters = sidecar("counters")
        cameras = sidecar("cameras")
        all = [stream, ready, held, lease, kept, dead, settled, counters]
    }

    /// String: the first reply to a request that is known by `key`. Its digest, since a key is a secret of the client's,
    /// and as long as it likes.
    func mark(of key: DeduplicationKey) -> String {
        let text =
            switch key {
            case .request(let key): "key \(key)"
            case .frameID(let id): "frame_id \(id)"
            }
        let digest = SHA256.hash(data: [UInt8](text.utf8)).prefix(16)
        return prefix + "mark:" + digest.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }
}

/// By what a request that comes again is known, so that it writes nothing a second time.
package enum Deduplication: Sendable {
    /// One key for all frames of the request.
    case key(String)
    /// Each frame by its own `frame_id`, which all of them have.
    case frameID
}

/// What one mark in Redis stands for. Keys of the two kinds never meet.
enum DeduplicationKey: Hashable, Sendable {
    case request(String)
    case frameID(String)
}

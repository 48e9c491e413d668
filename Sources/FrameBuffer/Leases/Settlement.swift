internal import RedisClient

/// What the holder of frames wants to become of them.
package enum Settlement: Hashable, Sendable {
    /// They are done with.
    case ack
    /// They are to be handed out again after a delay, for a reason that may be empty.
    case nack(delay: Duration, reason: String)
    /// The leases are to last so long from now on.
    case extend(Duration)
    /// They go to the dead letters, for a reason that may be empty.
    case reject(reason: String)

    /// How long a nacked frame may be kept from being handed out.
    package static let delays = Duration.zero ... .seconds(3600)
    /// The most bytes of a reason.
    package static let longestReason = 1024
    /// The most receipts of one request.
    package static let mostReceipts = 1000

    /// What spans and requests call it.
    package var name: String {
        switch self {
        case .ack: "ack"
        case .nack: "nack"
        case .extend: "extend"
        case .reject: "reject"
        }
    }

    var script: RedisScript {
        switch self {
        case .ack: LeaseScripts.ack
        case .nack: LeaseScripts.nack
        case .extend: LeaseScripts.extend
        case .reject: LeaseScripts.reject
        }
    }

    var duration: Duration {
        switch self {
        case .ack, .reject: .zero
        case .nack(let delay, _): delay
        case .extend(let duration): duration
        }
    }

    var reason: String {
        switch self {
        case .ack, .extend: ""
        case .nack(_, let reason), .reject(let reason): reason
        }
    }
}

/// What became of it.
package struct SettlementOutcome: Sendable {
    /// How many receipts had the effect that was asked for, now and not before.
    package let settled: Int
    /// Those that are no frame's any more, or never were.
    package let stale: [Receipt]
}

/// A frame that was settled, as far as its holder's span is to know it.
struct SettledFrame {
    let messageID: StreamID
    let traceparent: String?
    let frameID: String?

    /// Reads what `held` had of it, as ``QueueScripts`` describes it; nil for anything else.
    init?(_ messageID: StreamID, record: UnsafeRawBufferPointer) {
        let lines = record.split(separator: UInt8(ascii: "\n"), maxSplits: 4, omittingEmptySubsequences: false)
        guard lines.count == 5 else { return nil }
        func text(_ line: Int) -> String? {
            lines[line].isEmpty ? nil : String(decoding: lines[line], as: UTF8.self)
        }
        self.messageID = messageID
        traceparent = text(3)
        frameID = text(4)
    }
}

internal import NIOCore
internal import Synchronization

/// Who we are among the processes that share a group, and whether the others still see us.
///
/// Each blocking connection of a process is one Redis consumer, named `fb-<process>.<loop>.<life>`, so that whoever finds
/// a consumer knows whose heartbeat to look for.
package final class ProcessIdentity: Sendable {
    /// The prefix that tells our consumers from a stranger's.
    private static let prefix = "fb-"

    /// What the heartbeat is filed under: `fb-` and 16 hexadecimal digits.
    package let name: String
    private let lastHeartbeat = Mutex(NIODeadline.now())

    /// A new identity, as a process needs one at its start.
    package init() {
        let number = String(UInt64.random(in: .min ... .max), radix: 16)
        name = Self.prefix + String(repeating: "0", count: 16 - number.utf8.count) + number
    }

    /// The process that a consumer belongs to; nil for a stranger's.
    static func process(ofConsumer consumer: String) -> String? {
        let parts = consumer.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 3, parts[0].hasPrefix(prefix), parts[0].utf8.count == prefix.utf8.count + 16 else {
            return nil
        }
        return String(parts[0])
    }

    /// The consumer of one life of a loop's blocking connection.
    func consumer(loop: Int, life: Int) -> String { "\(name).\(loop).\(life)" }

    /// What all our consumers' names begin with.
    var consumers: String { name + "." }

    /// Redis took a heartbeat.
    func beat(now: NIODeadline) {
        lastHeartbeat.withLock { $0 = now }
    }

    /// True if the others may soon take us for dead, and our frames away.
    func isOverdue(now: NIODeadline) -> Bool {
        lastHeartbeat.withLock { now - $0 > .seconds(5) }
    }
}

package import NIOCore

/// The bounds of a connection.
package struct RedisLimits: Sendable {
    /// How long a connection that owes a reply may send no byte.
    package var silence = TimeAmount.seconds(1)
    /// How long an attempt to connect may take, from the look-up of the name to the last reply of the handshake.
    package var connect = TimeAmount.milliseconds(750)
    /// The longest pause between two attempts. With `connect`, nobody waits for a Redis that is away for more than 1 s.
    package var longestPause = TimeAmount.milliseconds(250)
    /// The most bytes of one reply. A read of 64 MiB of frames fits, and the one frame that makes it more.
    package var replyBytes = 256 << 20
    /// The most commands that may wait for a reply, or for a connection.
    package var commands = 65_536
    /// The most bytes that may wait to be sent.
    package var unsentBytes = 256 << 20
    /// The largest write buffer that is kept for use again.
    var keptBytes = 1 << 20

    /// The service's own limits.
    package init() {}
}

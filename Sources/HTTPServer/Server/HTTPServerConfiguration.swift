package import NIOCore

/// Where a server listens, and its bounds in size, number and time.
package struct HTTPServerConfiguration: Sendable {
    /// The address or name to listen on.
    package var host = "127.0.0.1"

    /// The port; 0 lets the system choose one.
    package var port = 8080

    /// How many connections the kernel keeps ready to be accepted.
    package var backlog = 1024

    /// Connections open at once; one more is answered with 503 and closed.
    package var maximumConnections = 16_384

    /// Bytes of a request's body; more are answered with 413.
    package var maximumBodySize = 32 * 1024 * 1024

    /// Bytes of a head's field names and values, and of its longest field; more are answered with 431.
    package var maximumHeadSize = 64 * 1024

    /// Fields of a head; more are answered with 431.
    package var maximumHeadFields = 128

    /// Requests of one connection that have come whole and wait for their turn. Reading pauses there, so that what one
    /// read brought may exceed it.
    package var maximumPipelinedRequests = 32

    /// Bytes of bodies that may be read ahead while an earlier request is still being answered.
    package var maximumPipelinedBytes = 256 * 1024

    /// From the first byte of a head to its end; then 408.
    package var headDeadline = TimeAmount.seconds(10)

    /// Without a byte of a body that is under way; then 408.
    package var bodyIdleDeadline = TimeAmount.seconds(30)

    /// Bytes a second that a body has to come at on average, with ``bodyIdleDeadline`` for a start; else 408.
    package var minimumBodyRate = 1024

    /// Without a request on an open connection; then it is closed.
    package var keepAliveIdle = TimeAmount.seconds(75)

    /// Without an acknowledgement while there is something to be acknowledged; then the connection is reset.
    package var stallDeadline = TimeAmount.seconds(10)

    /// How long an open connection has to show all bytes of a response acknowledged for that to have reached its caller.
    package var deliveryDelay = TimeAmount.seconds(1)

    /// How long after an orderly close of the peer's a reset may still undo a delivery.
    package var resetDelay = TimeAmount.milliseconds(100)

    /// How long what a peer still sends is thrown away after the last response, so that it can read that.
    package var lingerTime = TimeAmount.seconds(10)

    /// How many bytes are thrown away in that time.
    package var lingerBytes = 64 * 1024 * 1024

    /// How long idle connections stay open once the server is stopping: long enough for a readiness probe's 503.
    package var quiescingIdle = TimeAmount.seconds(1)

    /// How long requests under way have to finish once the server is stopping; then their connections are closed.
    package var stopGrace = TimeAmount.seconds(6)

    /// The defaults.
    package init() {}
}

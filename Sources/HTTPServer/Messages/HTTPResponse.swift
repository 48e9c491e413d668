package import NIOCore
package import NIOHTTP1

/// What a responder answers.
package struct HTTPResponse: Sendable {
    /// The status.
    package var status: HTTPResponseStatus

    /// The header fields, except `Content-Length`, `Date`, `Connection` and `Transfer-Encoding`: these are the
    /// connection's business.
    package var headers: ResponseFields

    /// The body. It is not sent in answer to `HEAD`, though its length is, nor with a status that has none.
    package var body: ByteBuffer

    // The types of these two are spelled out, as else they would be nil before they are set, and the whole be copied for that.

    /// Is told whether the response reached the caller (`API.md`, section 3): called exactly once, on the connection's
    /// event loop, also where the response was never written. `nil`: nobody needs to know, and nothing is tracked.
    package var onDelivery: Optional<@Sendable (HTTPDelivery) -> Void>

    /// Writes the body after the head, until it returns, where its length is not known: ``body`` is not sent then, and the
    /// connection closes behind it. It runs in the request's task, which is cancelled when the peer closes, if only its
    /// sending half, and when the server stops. It is not called in answer to `HEAD`, or where the connection is gone.
    package var stream: Optional<@Sendable (HTTPBodyWriter) async -> Void>

    /// Makes a response.
    package init(
        status: HTTPResponseStatus,
        headers: ResponseFields = [:],
        body: ByteBuffer = ByteBuffer(),
        onDelivery: (@Sendable (HTTPDelivery) -> Void)? = nil,
        stream: (@Sendable (HTTPBodyWriter) async -> Void)? = nil
    ) {
        self.status = status
        self.headers = headers
        self.body = body
        self.onDelivery = onDelivery
        self.stream = stream
    }
}

/// Whether a response reached its caller, as `API.md`, section 3, defines it.
package enum HTTPDelivery: Sendable {
    /// A next request came on the connection; or the peer closed in order with all bytes acknowledged; or the connection
    /// stayed open for a second with all bytes acknowledged.
    case reached

    /// A reset, an error or a close came first, or the peer acknowledged nothing for ten seconds. The connection is
    /// closed or reset by then, so that nothing of the response can arrive later.
    case failed
}

/// Answers the requests of one event loop.
package protocol HTTPResponder: Sendable {
    /// Answers a request.
    ///
    /// It runs in a task of its own whose executor preference is the connection's event loop, so code that is isolated
    /// to that loop, or to nothing, runs there without a hop. Requests of one connection are answered one after the other.
    ///
    /// The task is cancelled when waiting has lost its point: the peer has closed, if only its sending half, or reset;
    /// the connection has ended; or the server is stopping. A long poll then ends, empty; what must finish, a write for
    /// instance, does not look at cancellation. What is returned is still written where that is possible, and else its
    /// ``HTTPResponse/onDelivery`` is told ``HTTPDelivery/failed``.
    func respond(to request: HTTPRequest) async -> HTTPResponse
}

package import NIOCore

/// Writes the body of a response whose length nobody knows yet; the end of the connection ends it.
package struct HTTPBodyWriter: Sendable {
    private let connection: NIOLoopBound<HTTPConnectionHandler>

    init(_ connection: NIOLoopBound<HTTPConnectionHandler>) {
        self.connection = connection
    }

    /// Writes some of the body, and returns once the kernel has it: nobody can write faster than the peer reads. To be
    /// called on the connection's loop.
    ///
    /// Throws once the connection is gone; one whose peer takes nothing for ten seconds is reset. Cancelling does nothing.
    package func write(_ bytes: ByteBuffer) async throws {
        try await connection.value.write(bytes).get()
    }
}

import NIOCore
import NIOHTTP1

/// What the holder of leases does with their frames, by their receipts; up to 1,000 in one request.
///
/// Asking twice is harmless: after an error, or where the call was cancelled, it may be done or not, and can be done again.
extension FrameBufferClient {
    /// The frames are done with, and leave the queue.
    ///
    /// - Returns: how many are, and which receipts are stale.
    /// - Throws: `FrameBufferError`, `CancellationError`.
    @discardableResult
    public func ack(_ receipts: [String]) async throws -> Settled {
        try await settle("/ack", Settling(receipts: receipts))
    }

    /// The frames are to be handed out again. One that was delivered too often, five times unless the service is set up
    /// otherwise, goes to the dead letters instead.
    ///
    /// - Parameters:
    ///   - receipts: those that came with the frames.
    ///   - delay: how long they are kept from being handed out, up to an hour.
    ///   - reason: why, for people; at most 1,024 bytes.
    /// - Returns: how many were handed back, and which receipts are stale.
    /// - Throws: `FrameBufferError`, `CancellationError`.
    @discardableResult
    public func nack(_ receipts: [String], delay: Duration = .zero, reason: String? = nil) async throws -> Settled {
        try await settle("/nack", Settling(receipts: receipts, delay: delay, reason: reason))
    }

    /// The leases are to last so long from now on, a second to an hour.
    ///
    /// - Returns: how many do, and which receipts are stale.
    /// - Throws: `FrameBufferError`, `CancellationError`.
    @discardableResult
    public func extend(_ receipts: [String], lease: Duration) async throws -> Settled {
        try await settle("/extend", Settling(receipts: receipts, lease: lease))
    }

    /// The frames go to the dead letters.
    ///
    /// - Parameters:
    ///   - receipts: those that came with the frames.
    ///   - reason: why, for people; at most 1,024 bytes.
    /// - Returns: how many did, and which receipts are stale.
    /// - Throws: `FrameBufferError`, `CancellationError`.
    @discardableResult
    public func reject(_ receipts: [String], reason: String? = nil) async throws -> Settled {
        try await settle("/reject", Settling(receipts: receipts, reason: reason))
    }

    private struct Settling: Encodable {
        let receipts: [String]
        var delay: String?
        var lease: String?
        var reason: String?

        init(receipts: [String], delay: Duration? = nil, lease: Duration? = nil, reason: String? = nil) {
            self.receipts = receipts
            self.delay = delay.map { "\($0.milliseconds)ms" }
            self.lease = lease.map { "\($0.milliseconds)ms" }
            self.reason = reason
        }
    }

    private func settle(_ path: String, _ settling: Settling) async throws -> Settled {
        do {
            let reply = try await send(request(path, .POST, json: settling), timeout: .seconds(10))
            return try decode(Settled.self, from: reply.body)
        } catch let error as FrameBufferError {
            // All of them are stale.
            guard error.status == 409 else { throw error }
            return Settled(settled: 0, stale: settling.receipts)
        }
    }
}

import NIOCore
import NIOHTTP1

/// Frames that were given up on: rejected, delivered in vain too often, or impossible to serve.
extension FrameBufferClient {
    /// Lists dead letters, the oldest first.
    ///
    /// - Parameters:
    ///   - after: the id behind which the list begins, ``DeadLetterPage/next`` of the call before for instance; nil: with the
    ///     first.
    ///   - count: how many at most, up to 1,000.
    /// - Throws: `FrameBufferError`, `CancellationError`.
    public func deadLetters(after: String? = nil, count: Int = 100) async throws -> DeadLetterPage {
        let request = request("/dead-letters", query: [("after", after), ("count", String(count))])
        return try await decode(DeadLetterPage.self, from: send(request, timeout: .seconds(30)).body)
    }

    /// Puts dead letters back into the queue, at its tail and with new message ids, while there is room.
    ///
    /// - Returns: how many. Ids of no dead letter are passed over.
    /// - Throws: `FrameBufferError`, with status 429 where there is no room for even one, `CancellationError`. After either
    ///   some or all may be back.
    @discardableResult
    public func redrive(_ letters: DeadLetterSelection) async throws -> Int {
        try await change(letters, .POST, "/dead-letters/redrive").redriven ?? 0
    }

    /// Deletes dead letters.
    ///
    /// - Returns: how many there were.
    /// - Throws: `FrameBufferError`, `CancellationError`. After either they may be deleted.
    @discardableResult
    public func deleteDeadLetters(_ letters: DeadLetterSelection) async throws -> Int {
        try await change(letters, .DELETE, "/dead-letters").deleted ?? 0
    }

    private struct Selected: Encodable {
        let messageIDs: [String]

        enum CodingKeys: String, CodingKey {
            case messageIDs = "message_ids"
        }
    }

    private struct Changed: Decodable {
        let redriven: Int?
        let deleted: Int?
    }

    private func change(_ letters: DeadLetterSelection, _ method: HTTPMethod, _ path: String) async throws -> Changed {
        let request =
            switch letters {
            case .all: request(path, method)
            case .only(let ids): try request(path, method, json: Selected(messageIDs: ids))
            }
        return try await decode(Changed.self, from: send(request, timeout: .minutes(5)).body)
    }
}

public import AsyncHTTPClient
import FoundationEssentials
public import NIOCore
import NIOHTTP1

/// Talks to a Frame Buffer, for producers and workers in Swift.
///
/// ```swift
/// let buffer = FrameBufferClient(url: "http://127.0.0.1:8080")
/// let receipt = try await buffer.enqueue(data: jpeg, contentType: "image/jpeg", cameraID: "cam01")
/// while let frame = try await buffer.dequeue(wait: .seconds(30)) {
///     try await process(frame)
/// }
/// ```
///
/// A cancelled call ends its request; a frame that was on its way to a cancelled `dequeue` goes back into the queue.
public struct FrameBufferClient: Sendable {
    /// The service's URL, without a path.
    public let url: String

    private let httpClient: HTTPClient

    /// The largest reply that is read, in bytes: a frame of 512 MiB, the most that Redis takes, as base64. A frame that was too
    /// large for its reader would be taken all the same.
    private static let maximumReplySize = 1 << 30

    /// For all clients that aren't given one. It fails at once where nobody listens, which one with the defaults tries again
    /// for ten seconds.
    private static let defaultHTTPClient: HTTPClient = {
        var configuration = HTTPClient.Configuration(redirectConfiguration: .disallow)
        configuration.connectionPool.retryConnectionEstablishment = false
        return HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
    }()

    /// - Parameters:
    ///   - url: where the service is, e.g. `http://127.0.0.1:8080`.
    ///   - httpClient: makes the requests, and is not shut down by this client; nil: one that all of these clients share.
    public init(url: String = "http://127.0.0.1:8080", httpClient: HTTPClient? = nil) {
        self.url = String(url.reversed().drop { $0 == "/" }.reversed())
        self.httpClient = httpClient ?? Self.defaultHTTPClient
    }

    // MARK: - Producing

    /// Puts a frame into the queue. Returns once Redis has it.
    ///
    /// - Parameters:
    ///   - data: the payload, or the JSON object of a frame where `contentType` is `application/json`.
    ///   - contentType: the payload's media type, e.g. `image/jpeg`.
    ///   - cameraID: the camera it came from. A JSON frame says so itself: for these it is not sent.
    ///   - frameID: its id; nil lets the service make one. As with the camera, not sent for JSON frames.
    /// - Throws: `FrameBufferError`, `CancellationError`.
    public func enqueue(
        data: ByteBuffer,
        contentType: String,
        cameraID: String? = nil,
        frameID: String? = nil
    ) async throws -> EnqueuedFrame {
        let isJSON = contentType.prefix { $0 != ";" && $0 != " " }.lowercased() == "application/json"
        let query = isJSON ? [] : [("camera_id", cameraID), ("frame_id", frameID)]
        var request = request("/enqueue", query: query)
        request.method = .POST
        request.headers.add(name: "Content-Type", value: contentType)
        request.body = .bytes(data)
        // A large body on a slow line takes its time; the service has deadlines of its own.
        return try await decode(EnqueuedFrame.self, from: send(request, timeout: .minutes(5)).body)
    }

    // MARK: - Consuming

    /// Takes the next frame, its payload as it was put in. It is settled when it has arrived here.
    ///
    /// - Parameter wait: how long to wait for a frame, up to a minute.
    /// - Returns: nil where none came in time.
    /// - Throws: `FrameBufferError`, `CancellationError`.
    public func dequeue(wait: Duration = .seconds(1)) async throws -> DequeuedFrame? {
        let reply = try await dequeue(wait: wait, accept: "application/octet-stream, application/json;q=0.5")
        if reply.status == .noContent { return nil }
        guard reply.contentType == "application/json" else { return try DequeuedFrame(payloadReply: reply) }
        return try DequeuedFrame(jsonReply: reply)
    }

    /// Takes the next frame with all of its fields, as the service's JSON reply: `{"status":"dequeued","frame":{…},…}`. A
    /// binary payload is base64 in it.
    ///
    /// - Parameter wait: how long to wait for a frame, up to a minute.
    /// - Returns: nil where none came in time.
    /// - Throws: `FrameBufferError`, `CancellationError`.
    public func dequeueJSON(wait: Duration = .seconds(1)) async throws -> ByteBuffer? {
        let reply = try await dequeue(wait: wait, accept: "application/json")
        return try decode(Status.self, from: reply.body).status == "empty" ? nil : reply.body
    }

    private func dequeue(wait: Duration, accept: String) async throws -> Reply {
        var request = request("/dequeue", query: [("wait", "\(wait.milliseconds)ms")])
        request.headers.add(name: "Accept", value: accept)
        return try await send(request, timeout: wait.timeout)
    }

    private struct Status: Decodable {
        let status: String
    }

    // MARK: - Looking

    /// How many frames there are.
    ///
    /// - Throws: `FrameBufferError`, `CancellationError`.
    public func queueSize() async throws -> QueueSize {
        try await decode(QueueSize.self, from: send(request("/queue/size"), timeout: .seconds(10)).body)
    }

    /// Reads along: frames as they come, which stay in the queue for the workers.
    ///
    /// - Parameters:
    ///   - after: a message id, ``Tail/next`` of the call before for instance; `0` for all there is; `$` for what comes from
    ///     now on.
    ///   - wait: how long to wait for a frame, up to a minute.
    /// - Throws: `FrameBufferError`, `CancellationError`.
    public func tail(after: String = "$", wait: Duration = .seconds(1)) async throws -> Tail {
        let request = request("/tail", query: [("after", after), ("wait", "\(wait.milliseconds)ms")])
        return try await decode(Tail.self, from: send(request, timeout: wait.timeout).body)
    }

    // MARK: - Requests and replies

    struct Reply {
        let status: HTTPResponseStatus
        let headers: HTTPHeaders
        let body: ByteBuffer

        /// Without its parameters; empty where there is none.
        var contentType: String {
            headers.first(name: "Content-Type").map { $0.prefix { $0 != ";" }.lowercased() } ?? ""
        }
    }

    private func request(_ path: String, query: [(name: String, value: String?)] = []) -> HTTPClientRequest {
        let pairs = query.compactMap { name, value in value.map { "\(name)=\($0.percentEncoded)" } }
        var request = HTTPClientRequest(url: url + path + (pairs.isEmpty ? "" : "?" + pairs.joined(separator: "&")))
        request.headers.add(name: "User-Agent", value: "framebuffer-client")
        return request
    }

    private func send(_ request: HTTPClientRequest, timeout: TimeAmount) async throws -> Reply {
        do {
            let response = try await httpClient.execute(request, timeout: timeout)
            let body = try await response.body.collect(upTo: Self.maximumReplySize)
            let reply = Reply(status: response.status, headers: response.headers, body: body)
            guard (200..<300).contains(response.status.code) else { throw FrameBufferError(reply) }
            return reply
        } catch let error as FrameBufferError {
            throw error
        } catch let error as CancellationError {
            throw error
        } catch {
            if Task.isCancelled { throw CancellationError() }
            throw FrameBufferError(unreachable: url, error)
        }
    }

    private func decode<Value: Decodable>(_ type: Value.Type, from body: ByteBuffer) throws -> Value {
        do {
            return try JSONDecoder().decode(type, from: Data(body.readableBytesView))
        } catch {
            throw FrameBufferError(unexpected: "the reply of \(url) is not what a Frame Buffer answers", error)
        }
    }
}

extension Duration {
    fileprivate var milliseconds: Int64 {
        components.seconds * 1_000 + components.attoseconds / 1_000_000_000_000_000
    }

    /// How long a request may take that waits for so long.
    fileprivate var timeout: TimeAmount { .milliseconds(milliseconds) + .seconds(30) }
}

extension String {
    /// With everything but unreserved characters as `%XX`, for a query.
    fileprivate var percentEncoded: String {
        var text = ""
        for byte in utf8 {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
                UInt8(ascii: "~"):
                text.unicodeScalars.append(Unicode.Scalar(byte))
            default:
                let digits = String(byte, radix: 16, uppercase: true)
                text += digits.utf8.count == 1 ? "%0\(digits)" : "%\(digits)"
            }
        }
        return text
    }
}

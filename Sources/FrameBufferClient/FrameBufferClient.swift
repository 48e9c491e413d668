public import AsyncHTTPClient
import FoundationEssentials
public import NIOCore
import NIOHTTP1

/// Talks to a Frame Buffer, for producers and workers in Swift.
///
/// ```swift
/// let buffer = FrameBufferClient(url: "http://127.0.0.1:8080")
/// try await buffer.enqueue(data: jpeg, contentType: "image/jpeg", cameraID: "cam01")
/// while let leased = try await buffer.dequeue(wait: .seconds(30), lease: .seconds(60)) {
///     try await process(leased.frame)
///     try await buffer.ack([leased.receipt])
/// }
/// ```
///
/// A cancelled call ends its request, which may have had its effect; a frame that was on its way to a cancelled `dequeue`
/// goes back into the queue.
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
    ///   - idempotencyKey: by what it is known when it is sent again, for the two minutes in which that writes nothing; 1 to
    ///     256 characters of printable ASCII.
    /// - Throws: `FrameBufferError`, `CancellationError`. After either the frame may be in the queue, unless
    ///   ``FrameBufferError/isOutcomeUnknown`` is false; with an `idempotencyKey` it can be sent again.
    @discardableResult
    public func enqueue(
        data: ByteBuffer,
        contentType: String,
        cameraID: String? = nil,
        frameID: String? = nil,
        idempotencyKey: String? = nil
    ) async throws -> EnqueuedFrame {
        let isJSON = contentType.prefix { $0 != ";" && $0 != " " }.lowercased() == "application/json"
        let fields = isJSON ? [] : [("camera_id", cameraID), ("frame_id", frameID)]
        let reply = try await upload(data, contentType: contentType, fields: fields, key: idempotencyKey)
        return try decode(EnqueuedFrame.Reply.self, from: reply.body).frame
    }

    /// Puts frames into the queue in one request, all or none. Returns once Redis has them.
    ///
    /// - Parameters:
    ///   - frames: the JSON object of each, 1,000 of them at most.
    ///   - idempotencyKey: by what all of them together are known when they are sent again, as for a single frame.
    /// - Returns: what became of each, in their order.
    /// - Throws: `FrameBufferError`, `CancellationError`, as for a single frame.
    @discardableResult
    public func enqueue(batch frames: [ByteBuffer], idempotencyKey: String? = nil) async throws -> [EnqueuedFrame] {
        var body = ByteBuffer()
        body.reserveCapacity(frames.reduce(2) { $0 + $1.readableBytes + 1 })
        for (index, frame) in frames.enumerated() {
            body.writeString(index == 0 ? "[" : ",")
            body.writeImmutableBuffer(frame)
        }
        body.writeString(frames.isEmpty ? "[]" : "]")
        let reply = try await upload(body, contentType: "application/json", fields: [], key: idempotencyKey)
        return try decode(EnqueuedFrame.BatchReply.self, from: reply.body).frames
    }

    private func upload(
        _ body: ByteBuffer,
        contentType: String,
        fields: [(String, String?)],
        key: String?
    ) async throws -> Reply {
        var request = request("/enqueue", .POST, query: fields)
        request.headers.add(name: "Content-Type", value: contentType)
        if let key { request.headers.add(name: "Idempotency-Key", value: key) }
        request.body = .bytes(body)
        // A large body on a slow line takes its time; the service has deadlines of its own.
        return try await send(request, timeout: .minutes(5))
    }

    // MARK: - Consuming

    /// Takes the next frame. It is settled when it has arrived here.
    ///
    /// - Parameters:
    ///   - wait: how long to wait for a frame, up to a minute.
    ///   - form: how it is to come.
    /// - Returns: nil where none came in time.
    /// - Throws: `FrameBufferError`, `CancellationError`.
    public func dequeue(
        wait: Duration = .seconds(1),
        as form: DequeuedFrame.Form = .payload
    ) async throws -> DequeuedFrame? {
        try await dequeue(wait: wait, form: form, lease: [])?.frame
    }

    /// Takes the next frame under a lease: until that ends nobody else gets it, and this caller says what becomes of it, by
    /// ``ack(_:)``, ``nack(_:delay:reason:)``, ``extend(_:lease:)`` or ``reject(_:reason:)``.
    ///
    /// - Parameters:
    ///   - wait: how long to wait for a frame, up to a minute.
    ///   - lease: how long the frame is to be this caller's, a second to an hour.
    ///   - consumer: who this caller is, for those who look at the queue; nil: the address it comes from.
    ///   - form: how it is to come.
    /// - Returns: nil where none came in time.
    /// - Throws: `FrameBufferError`, `CancellationError`.
    public func dequeue(
        wait: Duration = .seconds(1),
        lease: Duration,
        consumer: String? = nil,
        as form: DequeuedFrame.Form = .payload
    ) async throws -> LeasedFrame? {
        let lease = [("lease", "\(lease.milliseconds)ms" as String?), ("consumer", consumer)]
        return try await dequeue(wait: wait, form: form, lease: lease).map(LeasedFrame.init)
    }

    private func dequeue(
        wait: Duration,
        form: DequeuedFrame.Form,
        lease: [(String, String?)]
    ) async throws -> DequeueReply? {
        var request = request("/dequeue", query: [("wait", "\(wait.milliseconds)ms")] + lease)
        request.headers.add(name: "Accept", value: form.mediaTypes)
        return try DequeueReply(try await send(request, timeout: wait.timeout))
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

    func request(
        _ path: String,
        _ method: HTTPMethod = .GET,
        query: [(name: String, value: String?)] = []
    ) -> HTTPClientRequest {
        let pairs = query.compactMap { name, value in value.map { "\(name)=\($0.percentEncoded)" } }
        var request = HTTPClientRequest(url: url + path + (pairs.isEmpty ? "" : "?" + pairs.joined(separator: "&")))
        request.method = method
        request.headers.add(name: "User-Agent", value: "framebuffer-client")
        return request
    }

    func request(_ path: String, _ method: HTTPMethod, json: some Encodable) throws -> HTTPClientRequest {
        var request = request(path, method)
        request.headers.add(name: "Content-Type", value: "application/json")
        request.body = .bytes(ByteBuffer(bytes: try JSONEncoder().encode(json)))
        return request
    }

    func send(_ request: HTTPClientRequest, timeout: TimeAmount) async throws -> Reply {
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

    func decode<Value: Decodable>(_ type: Value.Type, from body: ByteBuffer) throws -> Value {
        do {
            return try JSONDecoder().decode(type, from: Data(body.readableBytesView))
        } catch {
            throw FrameBufferError(unexpected: "the reply of \(url) is not what a Frame Buffer answers", error)
        }
    }
}

extension Duration {
    var milliseconds: Int64 {
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

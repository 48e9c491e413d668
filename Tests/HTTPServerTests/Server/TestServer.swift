import EventLoopExecution
import Logging
import NIOCore
import NIOHTTP1
import NIOPosix

@testable import HTTPServer

/// A server on a port that the system chose.
struct TestServer: Sendable {
    let server: HTTPServer
    let port: Int

    func connect(receiveBuffer: Int32? = nil) throws -> RawSocket {
        try RawSocket(port: port, receiveBuffer: receiveBuffer)
    }
}

struct ClosureResponder: HTTPResponder {
    let body: @Sendable (HTTPRequest) async -> HTTPResponse

    func respond(to request: HTTPRequest) async -> HTTPResponse {
        await body(request)
    }
}

/// Runs a server for as long as the body takes.
func withServer(
    group: any EventLoopGroup = MultiThreadedEventLoopGroup.singleton,
    configure: (inout HTTPServerConfiguration) -> Void = { _ in },
    respond: @escaping @Sendable (HTTPRequest) async -> HTTPResponse = { echo($0) },
    _ body: (TestServer) async throws -> Void
) async throws {
    var configuration = HTTPServerConfiguration()
    configuration.port = 0
    configuration.stopGrace = .milliseconds(100)
    configure(&configuration)
    let server = try await HTTPServer(
        configuration: configuration,
        group: group,
        logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() },
        shares: group.makeIterator().map {
            HTTPServer.Share(executor: EventLoopExecutor($0), responder: ClosureResponder(body: respond))
        }
    )
    let port = try await server.bind()?.port ?? 0
    do {
        try await body(TestServer(server: server, port: port))
    } catch {
        await server.stop()
        throw error
    }
    await server.stop()
}

/// Answers with method, path, query and body, `GET /a?b "body"` for instance.
func echo(_ request: HTTPRequest, onDelivery: (@Sendable (HTTPDelivery) -> Void)? = nil) -> HTTPResponse {
    let query = request.query.isEmpty ? "" : "?" + request.query.text
    let text = "\(request.method) \(request.path)\(query) \"\(String(buffer: request.body))\""
    return HTTPResponse(status: .ok, body: ByteBuffer(string: text), onDelivery: onDelivery)
}

/// Something that happens once, and is waited for.
struct Signal<Value: Sendable>: Sendable {
    private let stream: AsyncStream<Value>
    private let continuation: AsyncStream<Value>.Continuation

    init() {
        (stream, continuation) = AsyncStream.makeStream()
    }

    func send(_ value: Value) {
        continuation.yield(value)
    }

    /// The next value; `nil` only when the waiting task is cancelled.
    func next() async -> Value? {
        for await value in stream { return value }
        return nil
    }
}

/// Waits until the task is cancelled.
func untilCancelled() async {
    await Signal<Never>().next()
}

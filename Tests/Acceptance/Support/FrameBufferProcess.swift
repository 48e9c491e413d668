import AsyncHTTPClient
import Foundation
import NIOCore
import NIOHTTP1

/// The built executable, running `serve` on a port that the system chose, as a user would run it.
///
/// It is killed with the last reference to it.
final class FrameBufferProcess: Sendable {
    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    /// The executable beside the tests' own.
    static let executable = URL(fileURLWithPath: CommandLine.arguments[0]).deletingLastPathComponent()
        .appendingPathComponent("framebuffer")

    /// Where it listens.
    let port: Int
    private let process: RunningProcess

    /// Starts the service on a Redis and returns once it listens.
    ///
    /// - Parameters:
    ///   - redis: a `REDIS_URL`; nil for the embedded one.
    ///   - environment: added to what it sees, which is nothing else but `PATH`. Without `OTEL_*` of its own it exports nothing.
    ///   - arguments: added to its command line.
    init(redis: String?, _ environment: [String: String] = [:], arguments: [String] = []) async throws {
        var variables = ["PATH": ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin"]
        if let redis { variables["REDIS_URL"] = redis }
        if !environment.keys.contains(where: { $0.hasPrefix("OTEL_") }) { variables["OTEL_TRACES_EXPORTER"] = "none" }
        variables.merge(environment) { _, new in new }
        process = try RunningProcess(
            Self.executable,
            ["serve", "--port", "0"] + arguments,
            environment: variables
        )
        port = try await process.port()
    }

    /// Its process id.
    var pid: Int32 { process.pid }

    /// All that it has logged so far.
    var log: String { process.log }

    /// Sends it a signal.
    func signal(_ signal: Int32) { process.signal(signal) }

    /// Waits for its end; returns its exit code, or the negative number of the signal that ended it.
    func exitCode() async -> Int32 { await process.exitCode() }

    /// Ends it in order; returns its exit code.
    @discardableResult
    func stop() async -> Int32 {
        signal(SIGTERM)
        return await exitCode()
    }

    /// Ends it at once, as a crash would.
    func kill() async {
        signal(SIGKILL)
        _ = await exitCode()
    }

    // MARK: HTTP

    /// `http://127.0.0.1:<port>`.
    var url: String { "http://127.0.0.1:\(port)" }

    /// A request over a well-kept client of somebody else's, on a connection out of a pool.
    func call(
        _ method: String,
        _ path: String,
        headers: [(String, String)] = [],
        body: [UInt8]? = nil,
        within limit: TimeAmount = .seconds(70)
    ) async throws -> Reply {
        var request = HTTPClientRequest(url: url + path)
        request.method = .RAW(value: method)
        for (name, value) in headers { request.headers.add(name: name, value: value) }
        if let body { request.body = .bytes(ByteBuffer(bytes: body)) }
        let response = try await Self.client.execute(request, timeout: limit)
        let bytes = try await response.body.collect(upTo: 128 << 20)
        return Reply(
            status: Int(response.status.code),
            headers: response.headers.map { ($0.name, $0.value) },
            body: Array(bytes.readableBytesView)
        )
    }

    /// `GET`.
    func get(_ path: String, headers: [(String, String)] = []) async throws -> Reply {
        try await call("GET", path, headers: headers)
    }

    /// `POST /enqueue` of JSON.
    func enqueue(_ json: String, headers: [(String, String)] = []) async throws -> Reply {
        try await call(
            "POST",
            "/enqueue",
            headers: [("Content-Type", "application/json")] + headers,
            body: Array(json.utf8)
        )
    }

    /// Enqueues a frame of that id, which has to succeed.
    func add(_ frameID: String) async throws {
        let reply = try await enqueue(#"{"frame_id":"\#(frameID)"}"#)
        guard reply.status == 200 else { throw Failure(description: "\(reply.status) \(reply.text)") }
    }

    /// `GET /dequeue`; nil where nothing came.
    func dequeue(wait: String = "5s") async throws -> [String: JSON]? {
        let reply = try await get("/dequeue?wait=\(wait)")
        guard reply.status == 200 else { throw Failure(description: "dequeue: \(reply.status) \(reply.text)") }
        guard case .object(let answer) = try reply.json(), answer["status"] == .string("dequeued"),
            case .object(let frame)? = answer["frame"]
        else { return nil }
        return frame
    }

    private static let client: HTTPClient = {
        var configuration = HTTPClient.Configuration()
        configuration.connectionPool.concurrentHTTP1ConnectionsPerHostSoftLimit = 2000
        configuration.httpVersion = .http1Only
        configuration.timeout.connect = .seconds(10)
        return HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
    }()
}

/// An answer.
struct Reply: Sendable {
    let status: Int
    let headers: [(String, String)]
    let body: [UInt8]

    var text: String { String(decoding: body, as: UTF8.self) }

    /// The first header field of that name.
    func header(_ name: String) -> String? {
        headers.first { $0.0.lowercased() == name.lowercased() }?.1
    }

    func json() throws -> JSON { try JSON(body) }
}

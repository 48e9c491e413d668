import AsyncHTTPClient
import Foundation
import NIOCore
import NIOHTTP1

/// A trace receiver of the tests' own, which knows the protocol from the packages that OpenTelemetry publishes: it keeps
/// every span, judges it, and fails on command.
///
/// It ends with the last reference to it.
final class OTLPReceiver: Sendable {
    /// What it can be told to do instead of taking spans.
    enum Fault: Sendable {
        /// Answer with a status.
        case status(Int, retryAfter: String? = nil)
        /// Read requests and never answer.
        case hang
        /// Read requests and close their connections.
        case close
        /// Take no connections: its port is closed, and stays its own.
        case refuse
        /// Take all spans of a batch but so many.
        case reject(Int)
        /// Answer with success, and a web page.
        case page
        /// Answer with success and never come to an end, as fast as can be or slowly.
        case endless, drip
        /// Close the connection in the middle of an answer of success.
        case cut

        fileprivate var members: String {
            switch self {
            case .status(let status, nil): #""status":\#(status)"#
            case .status(let status, let pause?): #""status":\#(status),"retryAfter":"\#(pause)""#
            case .hang: #""hang":true"#
            case .close: #""close":true"#
            case .refuse: #""refuse":true"#
            case .reject(let count): #""reject":\#(count)"#
            case .page: #""page":true"#
            case .endless: #""endless":true"#
            case .drip: #""drip":true"#
            case .cut: #""cut":true"#
            }
        }
    }

    /// What it counted, and everything that broke a rule.
    struct Stats: Decodable, Sendable {
        /// When requests came, those that were not taken among them, in seconds of some clock.
        let arrivals: [Double]
        /// The last of them.
        let requests: [Request]
        /// How many requests were taken.
        let accepted: Int
        let spans: Int
        /// How many spans came more than once.
        let duplicates: Int
        let violations: [String]
    }

    /// A request with spans.
    struct Request: Decodable, Sendable {
        let path: String
        /// The length of its body, as it came.
        let length: Int
        /// By their names in lower case.
        let headers: [String: String]
    }

    /// Where it takes traces.
    let port: Int
    private let questions: Int
    private let process: RunningProcess

    /// Starts a receiver and returns once it listens.
    ///
    /// - Parameter arguments: for its command line.
    init(_ arguments: [String] = []) async throws {
        process = try RunningProcess(
            TestPython.executable(),
            [TestPython.script("otlp_receiver.py")] + arguments,
            environment: ["PATH": ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin"]
        )
        do {
            questions = try await process.port()
        } catch {
            throw FrameBufferProcess.Failure(
                description: "the receiver did not start; where a package is missing, run scripts/test: \(process.log)"
            )
        }
        guard let match = process.log.firstMatch(of: /traces on 127\.0\.0\.1:(\d+)/), let port = Int(match.1) else {
            throw FrameBufferProcess.Failure(description: "the receiver did not say its port: \(process.log)")
        }
        self.port = port
    }

    /// The settings that send a service's spans here, soon after each of them has ended.
    var environment: [String: String] {
        ["OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:\(port)", "OTEL_BSP_SCHEDULE_DELAY": "20"]
    }

    // MARK: Looking

    /// The spans that have these values, by the names of their fields and attributes; of none, all of them.
    ///
    /// - Parameters:
    ///   - count: waits until there are as many.
    ///   - limit: for how many seconds at most; then it returns what there is.
    func spans(
        _ wanted: [String: String] = [:],
        atLeast count: Int = 0,
        within limit: Int64 = 30
    ) async throws -> [ExportedSpan] {
        var components = URLComponents()
        components.path = "/spans"
        components.queryItems =
            (wanted.map { ($0, $1) } + [("at-least", "\(count)"), ("within", "\(limit)")])
            .map { URLQueryItem(name: $0, value: $1) }
        let data = try await ask(.GET, components.string ?? "", within: .seconds(limit + 30))
        return try JSONDecoder().decode([ExportedSpan].self, from: data)
    }

    func stats() async throws -> Stats {
        try JSONDecoder().decode(Stats.self, from: await ask(.GET, "/stats"))
    }

    /// Takes traces at this path from now on.
    func setPath(_ path: String) async throws {
        _ = try await ask(.POST, "/path", body: path)
    }

    // MARK: Failing

    /// Does that from now on; with `times`, so many times.
    func fail(_ fault: Fault, times: Int? = nil) async throws {
        let times = times.map { #","times":\#($0)"# } ?? ""
        _ = try await ask(.POST, "/config", body: "{\(fault.members)\(times)}")
    }

    /// Takes spans again.
    func heal() async throws {
        _ = try await ask(.POST, "/config", body: "{}")
    }

    private func ask(
        _ method: HTTPMethod,
        _ path: String,
        body: String? = nil,
        within limit: TimeAmount = .seconds(30)
    ) async throws -> Data {
        var request = HTTPClientRequest(url: "http://127.0.0.1:\(questions)\(path)")
        request.method = method
        if let body { request.body = .bytes(ByteBuffer(string: body)) }
        let response = try await HTTPClient.shared.execute(request, timeout: limit)
        let bytes = try await response.body.collect(upTo: 256 << 20)
        guard response.status == .ok else {
            throw FrameBufferProcess.Failure(description: "the receiver answered \(response.status) to \(path)")
        }
        return Data(bytes.readableBytesView)
    }
}

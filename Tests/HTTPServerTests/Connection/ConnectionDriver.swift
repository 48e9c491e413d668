import NIOCore
import NIOHTTP1
import Synchronization

@testable import HTTPServer

/// Drives a connection's state machine with a clock of its own, and puts its actions into words.
final class ConnectionDriver {
    final class Deliveries: Sendable {
        private let log = Mutex<[String]>([])

        var all: [String] { log.withLock { $0 } }

        func callback(_ name: String) -> DeliveryTracker.Callback {
            { delivery in self.log.withLock { $0.append("\(name) \(delivery)") } }
        }
    }

    var machine: HTTPConnectionStateMachine
    var now = NIODeadline.uptimeNanoseconds(1_000_000_000_000)
    let deliveries = Deliveries()
    private(set) var requests: [HTTPRequest] = []
    private var written: UInt64 = 0

    init(configuration: HTTPServerConfiguration = .init(), refusal: HTTPProblem? = nil, isQuiescing: Bool = false) {
        machine = .init(configuration: configuration, refusal: refusal, isQuiescing: isQuiescing, now: now)
    }

    /// Performs what is to be done; verdicts are noted where they fall in the order of actions.
    func actions() -> [String] {
        var actions: [String] = []
        while let action = machine.nextAction() {
            switch action {
            case .start(let request, let isCancelled):
                requests.append(request)
                actions.append("start \(request.path)" + (isCancelled ? " cancelled" : ""))
            case .cancel: actions.append("cancel")
            case .refuse(let problem, let framing):
                write(100)
                actions.append("refuse \(problem.status.code)" + (framing.omitsBody ? " without body" : ""))
            case .sendContinue: actions.append("continue")
            case .read: actions.append("read")
            case .awaitFlush: actions.append("flush")
            case .look: actions.append("look")
            case .report(let delivery, let callback):
                callback(delivery)
                actions.append("\(delivery)")
            case .closeOutput: actions.append("close output")
            case .close: actions.append("close")
            case .reset: actions.append("reset")
            }
        }
        return actions
    }

    // MARK: - Reading

    func head(
        _ method: HTTPMethod = .GET,
        _ target: String = "/",
        version: HTTPVersion = .http1_1,
        _ fields: KeyValuePairs<String, String> = [:],
        isAllWritten: Bool = true
    ) {
        var named = fields.map { (name: $0.key, value: $0.value) }
        if !named.contains(where: { $0.name == "Host" }) { named.append(("Host", "localhost")) }
        let head = RequestHead(method: method, target: target, version: version, fields: RequestFields(named))
        machine.bytesArrived()
        _ = machine.head(head, isAllWritten: isAllWritten, now: now)
    }

    func mayRead() -> Bool {
        machine.mayRead()
    }

    func body(_ count: Int) {
        machine.bytesArrived()
        if machine.isReadingStopped {
            machine.discarded(count)
        } else {
            machine.body(ByteBuffer(repeating: 0x78, count: count), now: now)
        }
    }

    func end() {
        machine.bytesArrived()
        machine.end()
    }

    /// A whole request without a body, in a read of its own.
    func request(_ target: String = "/", version: HTTPVersion = .http1_1, _ fields: KeyValuePairs<String, String> = [:])
        -> [String]
    {
        head(.GET, target, version: version, fields)
        end()
        let actions = actions()
        machine.readCompleted()
        return actions
    }

    // MARK: - Answering

    /// The task has answered with a response of 100 bytes.
    func respond(tracked name: String? = nil, isStream: Bool = false) -> String {
        switch machine.responded(isStream: isStream, now: now) {
        case .drop:
            if let name { deliveries.callback(name)(.failed) }
            return "drop"
        case .stream:
            write(100)
            return "stream"
        case .write(let framing, let isLast):
            write(100, onDelivery: name.map(deliveries.callback))
            return "write \(framing.connection)" + (framing.omitsBody ? " without body" : "") + (isLast ? " last" : "")
        }
    }

    func write(_ count: Int, onDelivery: DeliveryTracker.Callback? = nil) {
        written += UInt64(count)
        machine.wrote(count, onDelivery: onDelivery)
    }

    /// What a look at the socket shows, by default that all is acknowledged.
    func looked(acknowledged: UInt64? = nil, isClosed: Bool = false) -> [String] {
        machine.looked(.init(acknowledged: acknowledged ?? written, isClosed: isClosed), now: now)
        return actions()
    }

    // MARK: - Time

    func pass(_ time: TimeAmount) -> [String] {
        now = now + time
        if let deadline = machine.deadline, deadline <= now { machine.deadlineReached(now: now) }
        return actions()
    }
}

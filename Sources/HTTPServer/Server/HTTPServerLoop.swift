import EventLoopExecution
import NIOCore

/// What the connections of one event loop share. It is touched on that loop only.
final class HTTPServerLoop {
    let eventLoop: any EventLoop
    let configuration: HTTPServerConfiguration
    let counters: HTTPServerCounters
    let responder: any HTTPResponder
    let executor: EventLoopExecutor
    let isolation: EventLoopIsolation
    private(set) lazy var wheel = DeadlineWheel(eventLoop: eventLoop) { [weak self] connection, tick in
        self?.connections[connection]?.deadlineReached(tick: tick)
    }
    /// How far a socket's peer has acknowledged.
    let progress: (any Channel) -> DeliveryTracker.Progress

    private(set) var isQuiescing = false
    private var connections: [Int: HTTPConnectionHandler] = [:]
    private var lastConnection = 0
    private var runningRequests = 0
    private var idleWorkers: [RequestWorker] = []
    private var drained: EventLoopPromise<Void>?
    private var encoder = ResponseEncoder()
    private var output: ByteBuffer

    init(
        executor: EventLoopExecutor,
        configuration: HTTPServerConfiguration,
        counters: HTTPServerCounters,
        responder: any HTTPResponder,
        progress: @escaping (any Channel) -> DeliveryTracker.Progress = TCPSocket.progress(of:)
    ) {
        self.executor = executor
        eventLoop = executor.eventLoop
        isolation = EventLoopIsolation(executor)
        self.configuration = configuration
        self.counters = counters
        self.responder = responder
        self.progress = progress
        output = ByteBufferAllocator().buffer(capacity: 2048)
    }

    // MARK: - Connections

    /// Connections that may be open at once only to be told that there are too many.
    private static let refusalRoom = 256

    /// Adds the handlers to a new connection.
    ///
    /// - Throws: Where there are too many connections even to say so.
    func accept(_ channel: any Channel) throws {
        let excess = counters.openConnections - configuration.maximumConnections
        let isOneTooMany = excess >= 0
        guard excess < Self.refusalRoom else {
            counters.connectionTurnedAway()
            throw HTTPProblem.tooManyConnections
        }
        lastConnection += 1
        let connection = HTTPConnectionHandler(
            number: lastConnection,
            loop: self,
            refusal: isOneTooMany ? .tooManyConnections : nil
        )
        try channel.pipeline.syncOperations.addHandler(connection)

        connections[connection.number] = connection
        counters.connectionOpened(isRefused: isOneTooMany)
    }

    func connectionClosed(_ connection: HTTPConnectionHandler) {
        if connections.removeValue(forKey: connection.number) != nil {
            counters.connectionClosed()
        }
        finishDraining()
    }

    /// Workers that may wait for a request; more are made while they are needed.
    private static let maximumIdleWorkers = 1024

    /// Begins to answer a request.
    func answer(_ job: RequestWorker.Job) -> RequestWorker {
        guard let worker = idleWorkers.popLast() else { return RequestWorker(job, loop: self) }
        worker.start(job)
        return worker
    }

    /// Whether a worker that has answered is to wait for another request.
    func keep(_ worker: RequestWorker) -> Bool {
        guard !isQuiescing, idleWorkers.count < Self.maximumIdleWorkers else { return false }
        idleWorkers.append(worker)
        return true
    }

    private func stopKeeping() {
        isQuiescing = true
        for worker in idleWorkers { worker.end() }
        idleWorkers = []
    }

    func requestStarted() {
        runningRequests += 1
    }

    func requestFinished() {
        runningRequests -= 1
        finishDraining()
    }

    // MARK: - Responses

    /// Encodes a response.
    ///
    /// The buffer is the same for each, and is taken anew only where the last one has not left yet.
    func encode(_ response: HTTPResponse, framing: ResponseEncoder.Framing) -> (head: ByteBuffer, body: ByteBuffer?) {
        output.clear()
        let body = encoder.encode(
            response,
            framing: framing,
            secondsSince1970: HTTPDate.secondsSince1970(),
            into: &output
        )
        return (output, body)
    }

    // MARK: - Stopping

    /// Lets what is under way finish.
    ///
    /// - Returns: Succeeds when all connections are closed and all responders have returned, or the grace time is over.
    func quiesce() -> EventLoopFuture<Void> {
        if let drained { return drained.futureResult }
        stopKeeping()
        let drained = eventLoop.makePromise(of: Void.self)
        self.drained = drained
        for connection in connections.values { connection.quiesce() }
        let grace = eventLoop.assumeIsolated().scheduleTask(in: configuration.stopGrace) {
            self.abort()
            drained.succeed()
        }
        drained.futureResult.whenComplete { _ in grace.cancel() }
        finishDraining()
        return drained.futureResult
    }

    /// Closes all connections at once.
    func abort() {
        stopKeeping()
        for connection in connections.values { connection.abort() }
    }

    private func finishDraining() {
        if isQuiescing, connections.isEmpty, runningRequests == 0 { drained?.succeed() }
    }
}

import DequeModule
import NIOCore
import NIOHTTP1

/// The state of one connection: what is being read, what waits for its turn, what is being answered, and how it ends.
///
/// It does no I/O. Its owner calls an input for what happened, and then performs ``nextAction()`` until there is none.
struct HTTPConnectionStateMachine {
    typealias Framing = ResponseEncoder.Framing

    enum Action {
        /// Start the task that answers; one whose peer has closed already is cancelled from the start.
        case start(HTTPRequest, isCancelled: Bool)
        /// Cancel the task that is answering.
        case cancel
        /// Write the connection's own and last response.
        indirect case refuse(HTTPProblem, Framing)
        case sendContinue
        /// Read again: an earlier ``HTTPConnectionStateMachine/mayRead()`` was denied.
        case read
        /// Call ``HTTPConnectionStateMachine/lastResponseLeft(now:)`` once the kernel has all that was written.
        case awaitFlush
        /// Find out what the peer has acknowledged, and call ``HTTPConnectionStateMachine/looked(_:now:)``.
        case look
        case report(HTTPDelivery, DeliveryTracker.Callback)
        case closeOutput
        case close
        /// Close so that nothing written arrives any more.
        case reset
    }

    /// What becomes of a response.
    enum Disposition: Equatable {
        case write(Framing, isLast: Bool)
        /// Write the head, and then what the stream brings, until ``HTTPConnectionStateMachine/streamEnded(now:)``.
        case stream
        /// The connection is gone.
        case drop
    }

    private struct Exchange {
        let persistence: RequestFraming.Persistence
        let isHead: Bool
    }

    private enum Turn {
        case request(HTTPRequest, Exchange)
        indirect case refusal(HTTPProblem, isHead: Bool)
    }

    private enum Phase: Equatable {
        case open
        /// The last response was handed to the socket, but not all of it is in the kernel.
        case finishing
        /// The last response has left. No FIN of ours follows before the verdict on what is unproven.
        case finished
        /// Our output is closed; what the peer still sends is thrown away so that no reset keeps it from reading.
        case lingering(until: NIODeadline)
        case closed
    }

    private let configuration: HTTPServerConfiguration
    private var phase = Phase.open
    private var reader = RequestReader()
    private var turns = Deque<Turn>()
    private var exchange: Exchange?
    private var deliveries = DeliveryTracker()

    private var now: NIODeadline
    private var idleSince: NIODeadline
    /// Bytes of bodies that were read and whose request has not started.
    private var bufferedBytes = 0
    private var lingerBytes: Int
    private var lingerTime: TimeAmount
    /// Whether the peer may be in the middle of sending, or of reading a response, when the connection ends.
    private var mustLinger = true

    private var isInputClosed = false
    private var isWritable = true
    private var isQuiescing = false
    /// Whether some of a stream waits for the peer to take what went before.
    private var isStreamWaiting = false
    private var isReadPaused = false

    private var wantsCancel = false
    private var wantsLook = false
    private var wantsEnd: Action?

    /// Begins with an open connection.
    ///
    /// - Parameter refusal: Why the connection is not served at all.
    init(
        configuration: HTTPServerConfiguration,
        refusal: HTTPProblem? = nil,
        isQuiescing: Bool = false,
        now: NIODeadline
    ) {
        self.configuration = configuration
        self.isQuiescing = isQuiescing
        self.now = now
        idleSince = now
        lingerBytes = configuration.lingerBytes
        lingerTime = configuration.lingerTime
        if let refusal {
            refuse(refusal, isHead: false)
            lingerTime = min(lingerTime, .seconds(1))
        }
    }

    // MARK: - Reading

    /// Whether bytes may be read; if not, ``Action/read`` says when.
    mutating func mayRead() -> Bool {
        isReadPaused = shouldPauseReading
        return !isReadPaused
    }

    /// Bytes have come. A cycle of reading ends with ``readCompleted()``.
    mutating func bytesArrived() {
        reader.bytesArrived()
    }

    mutating func readCompleted() {
        reader.completed()
    }

    /// Some of a head has come, but not all.
    mutating func headBegan(now: NIODeadline) {
        reader.headBegan(now: now)
    }

    /// Whether what comes is thrown away: it is to be ``discarded(_:)``.
    var isReadingStopped: Bool { reader.isStopped }

    /// A head has come.
    ///
    /// - Parameter isAllWritten: Whether the kernel has all bytes of all responses.
    /// - Returns: How the end of the body is known; nil where reading has stopped.
    mutating func head(
        _ head: consuming RequestHead,
        remoteAddress: PeerAddress? = nil,
        receivedAt: UInt64 = 0,
        isAllWritten: @autoclosure () -> Bool = true,
        now: NIODeadline
    ) -> RequestFraming.BodyLength? {
        guard let beganInCycle = reader.cycleOfHead else { return nil }
        self.now = now
        if deliveries.isUnproven, exchange == nil, turns.isEmpty, isAllWritten() {
            deliveries.nextRequest(readCycle: beganInCycle)
        }
        let isHead = head.method == .HEAD
        do {
            let framing = try RequestFraming(head, maximumBodySize: configuration.maximumBodySize)
            reader.begin(
                IncomingRequest(
                    head: head,
                    framing: framing,
                    remoteAddress: remoteAddress,
                    receivedAt: receivedAt,
                    now: now
                )
            )
            return framing.bodyLength
        } catch {
            refuse(error, isHead: isHead)
            return nil
        }
    }

    /// A part of a body has come.
    mutating func body(_ part: ByteBuffer, now: NIODeadline) {
        guard let received = reader.bodyBytes else { return }
        guard received + part.readableBytes <= configuration.maximumBodySize else {
            self.now = now
            refuse(.bodyTooLarge(limit: configuration.maximumBodySize), isHead: false)
            return
        }
        reader.append(part, now: now)
        bufferedBytes += part.readableBytes
    }

    /// A request has come whole.
    mutating func end() {
        guard let incoming = reader.end() else { return }
        let request = HTTPRequest(
            method: incoming.head.method,
            target: incoming.head.target,
            version: incoming.head.version,
            headers: incoming.head.fields,
            body: incoming.body,
            remoteAddress: incoming.remoteAddress,
            receivedAt: incoming.receivedAt
        )
        let exchange = Exchange(persistence: incoming.framing.persistence, isHead: incoming.head.method == .HEAD)
        turns.append(.request(request, exchange))
    }

    /// Nothing that comes can be understood any more.
    mutating func decodingFailed(_ problem: HTTPProblem, now: NIODeadline) {
        if reader.isStopped { return }
        self.now = now
        refuse(problem, isHead: false)
    }

    /// Bytes have come that nobody wants.
    mutating func discarded(_ count: Int) {
        lingerBytes -= count
        if lingerBytes < 0, case .lingering = phase { end(with: .close) }
    }

    // MARK: - Answering

    /// The task has answered.
    ///
    /// - Parameter isStream: Whether the body comes bit by bit, until the connection's end: there is no further request.
    mutating func responded(isStream: Bool = false, now: NIODeadline) -> Disposition {
        guard phase == .open, let exchange else { return .drop }
        self.now = now
        if isStream, !exchange.isHead {
            stopReading()
            turns.removeAll()
            wantsCancel = wantsCancel || isInputClosed || isQuiescing
            return .stream
        }
        self.exchange = nil
        idleSince = now
        let isLast = exchange.persistence == .close || (turns.isEmpty && canBringNoRequest)
        if isLast {
            stopReading()
            finish()
        }
        return .write(framing(of: exchange, isLast: isLast), isLast: isLast)
    }

    /// The stream has come to its end.
    mutating func streamEnded(now: NIODeadline) {
        guard phase == .open else { return }
        self.now = now
        exchange = nil
    }

    /// Some of the stream waits for the peer to take what went before, or does so no more.
    mutating func streamWaits(_ isWaiting: Bool, now: NIODeadline) {
        guard phase != .closed else { return }
        self.now = now
        isStreamWaiting = isWaiting
        watch()
    }

    /// Bytes were handed to the socket.
    ///
    /// - Parameter onDelivery: Whom to tell whether all of them reached the caller.
    mutating func wrote(_ count: Int, onDelivery: DeliveryTracker.Callback? = nil) {
        deliveries.wrote(count)
        if let onDelivery {
            deliveries.track(onDelivery, readCycle: reader.cycle, now: now, delay: configuration.deliveryDelay)
            wantsLook = wantsLook || isInputClosed
        }
    }

    /// The kernel has all bytes of the last response.
    mutating func lastResponseLeft(now: NIODeadline) {
        guard phase == .finishing else { return }
        self.now = now
        phase = .finished
        deliveries.watch(!isWritable, now: now, delay: configuration.deliveryDelay)
    }

    mutating func writabilityChanged(_ isWritable: Bool, now: NIODeadline) {
        guard phase != .closed else { return }
        self.now = now
        self.isWritable = isWritable
        watch()
    }

    /// The socket was looked at.
    mutating func looked(_ progress: DeliveryTracker.Progress, now: NIODeadline) {
        guard phase != .closed else { return }
        self.now = now
        let mustReset = deliveries.looked(
            progress,
            isInputClosed: isInputClosed,
            now: now,
            configuration: configuration
        )
        if mustReset { end(with: .reset) }
    }

    // MARK: - Ending

    /// The peer has closed its sending half, if not both.
    mutating func inputClosed(now: NIODeadline) {
        guard phase != .closed else { return }
        self.now = now
        isInputClosed = true
        stopReading()
        wantsCancel = wantsCancel || exchange != nil
        wantsLook = deliveries.isUnproven
    }

    /// The connection has ended.
    mutating func failed() {
        deliveries.failAll()
        wantsCancel = wantsCancel || exchange != nil
        wantsEnd = nil
        exchange = nil
        turns.removeAll()
        stopReading()
        phase = .closed
    }

    /// The server is stopping: what is under way finishes, and then the connection is closed.
    mutating func quiesce(now: NIODeadline) {
        guard !isQuiescing else { return }
        self.now = now
        isQuiescing = true
        idleSince = now
        wantsCancel = wantsCancel || exchange != nil
    }

    /// The connection has an error, or the server can't wait for it any longer.
    mutating func abort() {
        guard phase != .closed else { return }
        end(with: deliveries.isUnproven ? .reset : .close)
    }

    // MARK: - Time

    /// When ``deadlineReached(now:)`` is to be called, unless something else happens before.
    var deadline: NIODeadline? {
        switch phase {
        case .closed: return nil
        case .lingering(let until): return until
        case .finishing, .finished: return deliveries.nextLook
        case .open: break
        }
        guard let reading = readingDeadline else { return deliveries.nextLook }
        return min(reading, deliveries.nextLook ?? .distantFuture)
    }

    /// Does what is due.
    mutating func deadlineReached(now: NIODeadline) {
        guard phase != .closed else { return }
        self.now = now
        if let look = deliveries.nextLook, look <= now { wantsLook = true }
        if case .lingering(let until) = phase, until <= now { end(with: .close) }
        guard phase == .open, let deadline = readingDeadline, deadline <= now else { return }
        switch reader.overdue {
        case .request:
            stopReading()
            mustLinger = false
        case .head: refuse(.headTooSlow, isHead: false)
        case .body(let isHead): refuse(.bodyTooSlow, isHead: isHead)
        case nil: break
        }
    }

    private var readingDeadline: NIODeadline? {
        if isReadPaused { return nil }
        return reader.deadline(configuration, whileIdle: idleDeadline)
    }

    private var idleDeadline: NIODeadline? {
        guard exchange == nil, turns.isEmpty, !deliveries.isUnproven else { return nil }
        return idleSince + (isQuiescing ? configuration.quiescingIdle : configuration.keepAliveIdle)
    }

    // MARK: - Actions

    /// What to do next, if anything.
    mutating func nextAction() -> Action? {
        // A failure must not be reported before the connection is gone: until then the response may still arrive.
        if let end = wantsEnd {
            wantsEnd = nil
            return end
        }
        if let (callback, delivery) = deliveries.nextVerdict() { return .report(delivery, callback) }
        if wantsCancel {
            wantsCancel = false
            return .cancel
        }
        if phase == .closed { return nil }
        if wantsLook {
            wantsLook = false
            deliveries.willLook()
            return .look
        }
        if phase == .open {
            if exchange == nil, let action = nextTurn() { return action }
        } else if phase == .finished, !deliveries.isUnproven {
            if isInputClosed || !mustLinger {
                phase = .closed
                return .close
            }
            phase = .lingering(until: now + (isQuiescing ? min(lingerTime, configuration.quiescingIdle) : lingerTime))
            return .closeOutput
        }
        if isReadPaused, !shouldPauseReading {
            isReadPaused = false
            reader.resumed(now: now)
            return .read
        }
        return nil
    }

    private mutating func nextTurn() -> Action? {
        guard isWritable else { return nil }
        switch turns.popFirst() {
        case .request(let request, let exchange):
            self.exchange = exchange
            bufferedBytes -= request.body.readableBytes
            return .start(
                isQuiescing ? request.whileStopping() : request,
                isCancelled: isInputClosed || isQuiescing
            )
        case .refusal(let problem, let isHead):
            finish()
            return .refuse(problem, Framing(omitsBody: isHead, connection: .close))
        case nil:
            if reader.takeContinue() { return .sendContinue }
            guard reader.isStopped else { return nil }
            finish()
            return .awaitFlush
        }
    }

    /// Whether no further request is to be expected, or waited for.
    private var canBringNoRequest: Bool {
        reader.isStopped || reader.isIdle && isQuiescing
    }

    private var shouldPauseReading: Bool {
        guard phase == .open else { return phase == .finishing }
        if !isWritable || turns.count >= configuration.maximumPipelinedRequests { return true }
        guard exchange != nil || !turns.isEmpty else { return false }
        if reader.isStopped { return true }
        return bufferedBytes > configuration.maximumPipelinedBytes
    }

    private func framing(of exchange: Exchange, isLast: Bool) -> Framing {
        let connection: Framing.Connection
        if isLast {
            connection = .close
        } else {
            connection = exchange.persistence == .announced ? .keepAlive : .implicit
        }
        return Framing(omitsBody: exchange.isHead, connection: connection)
    }

    private mutating func refuse(_ problem: HTTPProblem, isHead: Bool) {
        stopReading()
        turns.append(.refusal(problem, isHead: isHead))
    }

    private mutating func finish() {
        phase = .finishing
        deliveries.watch(true, now: now, delay: configuration.deliveryDelay)
    }

    private mutating func stopReading() {
        bufferedBytes -= reader.bodyBytes ?? 0
        reader.stop()
    }

    private mutating func watch() {
        let isWatched = !isWritable || isStreamWaiting || phase == .finishing
        deliveries.watch(isWatched, now: now, delay: configuration.deliveryDelay)
    }

    /// Closes or resets; what is unproven has failed unless it was decided before.
    private mutating func end(with action: Action) {
        failed()
        wantsEnd = action
    }
}

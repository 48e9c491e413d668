import NIOCore

/// Performs what a connection's state machine decides: the only handler of its channel.
final class HTTPConnectionHandler: ChannelDuplexHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    /// Unique among the connections of the loop.
    let number: Int

    private let loop: HTTPServerLoop
    private var decoder: RequestDecoder
    private var machine: HTTPConnectionStateMachine
    private var context: ChannelHandlerContext?
    private var remoteAddress: PeerAddress?
    private var worker: RequestWorker?
    private var isPerforming = false
    private var wheelTick = DeadlineWheel.noTick

    private static let continueLine: StaticString = "HTTP/1.1 100 Continue\r\n\r\n"

    /// Begins with an open connection.
    ///
    /// - Parameter refusal: Why the connection is not served at all.
    init(number: Int, loop: HTTPServerLoop, refusal: HTTPProblem?) {
        self.number = number
        self.loop = loop
        decoder = RequestDecoder(configuration: loop.configuration)
        machine = HTTPConnectionStateMachine(
            configuration: loop.configuration,
            refusal: refusal,
            isQuiescing: loop.isQuiescing,
            now: loop.eventLoop.now
        )
    }

    // MARK: - Channel

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        if context.channel.isActive { connected(context) }
    }

    func channelActive(context: ChannelHandlerContext) {
        connected(context)
    }

    private func connected(_ context: ChannelHandlerContext) {
        remoteAddress = context.remoteAddress.flatMap(PeerAddress.init)
        perform()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let now = loop.eventLoop.now
        machine.bytesArrived()
        decoder.append(unwrapInboundIn(data))
        do throws(HTTPProblem) {
            while !machine.isReadingStopped, let part = try decoder.next() {
                take(part, context, now: now)
            }
            if decoder.isInsideHead { machine.headBegan(now: now) }
        } catch {
            machine.decodingFailed(error, now: now)
        }
        if machine.isReadingStopped { machine.discarded(decoder.discard()) }
    }

    private func take(_ part: consuming RequestDecoder.Part, _ context: ChannelHandlerContext, now: NIODeadline) {
        switch consume part {
        case .head(let head):
            let body = machine.head(
                head,
                remoteAddress: remoteAddress,
                receivedAt: HTTPDate.nanosecondsSince1970(),
                isAllWritten: Self.isAllWritten(context.channel),
                now: now
            )
            if let body { decoder.expectBody(body) }
        case .body(let part):
            machine.body(part, now: now)
        case .end:
            machine.end()
        }
    }

    /// What was read is acted upon once all of it is known.
    func channelReadComplete(context: ChannelHandlerContext) {
        machine.readCompleted()
        perform()
    }

    func read(context: ChannelHandlerContext) {
        if machine.mayRead() {
            context.read()
        } else {
            loop.counters.readPaused()
        }
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        machine.writabilityChanged(context.channel.isWritable, now: loop.eventLoop.now)
        perform()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case .inputClosed? = event as? ChannelEvent {
            machine.inputClosed(now: loop.eventLoop.now)
            perform()
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        machine.abort()
        perform()
    }

    func channelInactive(context: ChannelHandlerContext) {
        machine.failed()
        perform()
        loop.connectionClosed(self)
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
    }

    // MARK: - Server

    /// - Parameter tick: That of the wheel's slot; another than the connection remembers is out of date.
    func deadlineReached(tick: Int) {
        guard tick == wheelTick else { return }
        wheelTick = DeadlineWheel.noTick
        machine.deadlineReached(now: loop.eventLoop.now)
        perform()
    }

    func quiesce() {
        machine.quiesce(now: loop.eventLoop.now)
        perform()
    }

    func abort() {
        machine.abort()
        perform()
    }

    // MARK: - Actions

    private func perform() {
        // An action may bring about an input, a close its `channelInactive` for instance: the outer call goes on with it.
        if isPerforming { return }
        isPerforming = true
        while let action = machine.nextAction() {
            perform(action)
        }
        isPerforming = false
        if let deadline = machine.deadline {
            loop.wheel.schedule(number, at: deadline, tick: &wheelTick)
        }
    }

    private func perform(_ action: HTTPConnectionStateMachine.Action) {
        switch action {
        case .start(let request, let isCancelled):
            start(request, isCancelled: isCancelled)
        case .cancel:
            worker?.cancel()
        case .refuse(let problem, let framing):
            loop.counters.requestRefused()
            write(problem.response(), framing: framing, isLast: true)
        case .sendContinue:
            let line = Self.continueLine
            machine.wrote(line.utf8CodeUnitCount)
            context?.writeAndFlush(wrapOutboundOut(ByteBuffer(staticString: line)), promise: nil)
        case .read:
            context?.read()
        case .awaitFlush:
            writeLast(ByteBuffer())
        case .look:
            guard let context else { break }
            machine.looked(loop.progress(context.channel), now: loop.eventLoop.now)
        case .report(let delivery, let callback):
            callback(delivery)
        case .closeOutput:
            context?.close(mode: .output, promise: nil)
        case .close:
            context?.close(promise: nil)
        case .reset:
            guard let context else { break }
            loop.counters.connectionReset()
            TCPSocket.resetOnClose(context.channel)
            context.close(promise: nil)
        }
    }

    private func start(_ request: HTTPRequest, isCancelled: Bool) {
        loop.requestStarted()
        let connection = NIOLoopBound(self, eventLoop: loop.eventLoop)
        let worker = loop.answer(RequestWorker.Job(request: request, connection: connection))
        if isCancelled { worker.cancel() }
        self.worker = worker
    }

    /// The worker has answered.
    ///
    /// - Returns: Whether the response's stream is to follow, behind which ``streamEnded()`` is called.
    func responded(_ response: HTTPResponse) -> Bool {
        let disposition = machine.responded(isStream: response.stream != nil, now: loop.eventLoop.now)
        if disposition != .stream { taskEnded() }
        switch disposition {
        case .write(let framing, let isLast):
            write(response, framing: framing, isLast: isLast)
        case .stream:
            write(response, framing: ResponseEncoder.Framing(connection: .close), isLast: false)
        case .drop:
            response.onDelivery?(.failed)
        }
        perform()
        return disposition == .stream
    }

    /// The response's stream has come to its end.
    func streamEnded() {
        taskEnded()
        machine.streamEnded(now: loop.eventLoop.now)
        perform()
    }

    private func taskEnded() {
        worker = nil
        loop.requestFinished()
    }

    /// Writes some of a stream; succeeds once the kernel has it.
    func write(_ bytes: ByteBuffer) -> EventLoopFuture<Void> {
        guard let context else { return loop.eventLoop.makeFailedFuture(ChannelError.ioOnClosedChannel) }
        machine.wrote(bytes.readableBytes)
        machine.streamWaits(true, now: loop.eventLoop.now)
        let promise = context.eventLoop.makePromise(of: Void.self)
        promise.futureResult.assumeIsolated().whenComplete { _ in
            self.machine.streamWaits(false, now: self.loop.eventLoop.now)
            self.perform()
        }
        context.writeAndFlush(wrapOutboundOut(bytes), promise: promise)
        perform()
        return promise.futureResult
    }

    private func write(_ response: HTTPResponse, framing: ResponseEncoder.Framing, isLast: Bool) {
        guard let context else {
            response.onDelivery?(.failed)
            return
        }
        let (head, body) = loop.encode(response, framing: framing)
        machine.wrote(head.readableBytes + (body?.readableBytes ?? 0), onDelivery: response.onDelivery)
        if body != nil {
            context.write(wrapOutboundOut(head), promise: nil)
        }
        if isLast {
            writeLast(body ?? head)
        } else {
            context.writeAndFlush(wrapOutboundOut(body ?? head), promise: nil)
        }
    }

    private func writeLast(_ buffer: ByteBuffer) {
        guard let context else { return }
        let promise = context.eventLoop.makePromise(of: Void.self)
        promise.futureResult.assumeIsolated().whenSuccess {
            self.machine.lastResponseLeft(now: self.loop.eventLoop.now)
            self.perform()
        }
        context.writeAndFlush(wrapOutboundOut(buffer), promise: promise)
    }

    private static func isAllWritten(_ channel: any Channel) -> Bool {
        (try? channel.syncOptions?.getOption(.bufferedWritableBytes)) ?? 0 == 0
    }
}

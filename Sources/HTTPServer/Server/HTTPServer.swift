package import EventLoopExecution
package import Logging
package import NIOCore
import NIOPosix
import ServiceLifecycle
import Synchronization

/// An HTTP/1.1 server.
///
/// As a service it accepts connections until the graceful shutdown. From then on nothing is accepted; tasks of requests
/// under way are cancelled, which ends long polls and nothing that doesn't look at it; their responses, and those to
/// requests that were being sent, go out with `Connection: close`; idle connections stay open for
/// ``HTTPServerConfiguration/quiescingIdle``, so that a readiness probe on one still gets its answer
/// (``HTTPRequest/isServerStopping``); deliveries get their verdict. After ``HTTPServerConfiguration/stopGrace`` all
/// that is left is closed.
package final class HTTPServer: Service {
    /// What the server counts.
    package let counters: HTTPServerCounters

    private let configuration: HTTPServerConfiguration
    private let group: any EventLoopGroup
    private let logger: Logger
    private let loops: [ObjectIdentifier: NIOLoopBound<HTTPServerLoop>]
    private let listener = Mutex<(any Channel)?>(nil)

    /// What serves the connections of one event loop: an executor of that loop, which the responder's actors should share.
    package struct Share: Sendable {
        let executor: EventLoopExecutor
        let responder: any HTTPResponder

        /// - Parameters:
        ///   - executor: where requests run; its loop serves the connections.
        ///   - responder: answers the requests.
        package init(executor: EventLoopExecutor, responder: any HTTPResponder) {
            self.executor = executor
            self.responder = responder
        }
    }

    /// Makes a server that does not listen yet.
    ///
    /// - Parameters:
    ///   - group: The event loops that serve connections. It has to outlive the server.
    ///   - counters: Where it counts.
    ///   - shares: One for each loop of the group; connections of a loop without one are closed at once.
    package init(
        configuration: HTTPServerConfiguration,
        group: any EventLoopGroup,
        counters: HTTPServerCounters = HTTPServerCounters(),
        logger: Logger,
        shares: [Share]
    ) async throws {
        self.configuration = configuration
        self.group = group
        self.counters = counters
        self.logger = logger
        var loops: [ObjectIdentifier: NIOLoopBound<HTTPServerLoop>] = [:]
        for share in shares {
            let eventLoop = share.executor.eventLoop
            loops[ObjectIdentifier(eventLoop)] = try await eventLoop.submit { [counters] in
                NIOLoopBound(
                    HTTPServerLoop(
                        executor: share.executor,
                        configuration: configuration,
                        counters: counters,
                        responder: share.responder
                    ),
                    eventLoop: eventLoop
                )
            }.get()
        }
        self.loops = loops
    }

    /// Starts to listen and to serve.
    ///
    /// - Returns: The bound address, with the port that the system chose where the configuration has 0.
    /// - Throws: The system's error where the address is in use, not this machine's, or not permitted.
    @discardableResult
    package func bind() async throws -> SocketAddress? {
        let bootstrap = ServerBootstrap(group: group)
            .serverChannelOption(.backlog, value: Int32(clamping: configuration.backlog))
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            .childChannelOption(.allowRemoteHalfClosure, value: true)
            .childChannelOption(
                .recvAllocator,
                value: AdaptiveRecvByteBufferAllocator(minimum: 1024, initial: 2048, maximum: 64 * 1024)
            )
            .childChannelInitializer { [weak self] channel in
                channel.eventLoop.makeCompletedFuture { try self?.accepted(channel) }
            }
        let channel = try await bootstrap.bind(host: configuration.host, port: configuration.port).get()
        listener.withLock { $0 = channel }
        logger.info("listening", metadata: ["address": "\(channel.localAddress.map(String.init(describing:)) ?? "?")"])
        return channel.localAddress
    }

    /// Serves until the graceful shutdown, having called ``bind()`` where nobody has.
    ///
    /// Cancellation closes all connections at once.
    ///
    /// - Throws: What ``bind()`` throws.
    package func run() async throws {
        if listener.withLock({ $0 == nil }) {
            try await bind()
        }
        do {
            try await gracefulShutdown()
            await stop()
        } catch {
            await abort()
        }
    }

    /// Stops accepting at once, and returns when what was under way is finished or the grace time is over.
    package func stop() async {
        await stopListening()
        logger.info("stopping", metadata: ["connections": "\(counters.openConnections)"])
        await withTaskCancellationHandler {
            let drained = loops.values.map { loop in loop.eventLoop.flatSubmit { loop.value.quiesce() } }
            for loop in drained { try? await loop.get() }
        } onCancel: {
            abortLoops()
        }
    }

    private func abort() async {
        await stopListening()
        abortLoops()
    }

    private func abortLoops() {
        for loop in loops.values {
            loop.eventLoop.execute { loop.value.abort() }
        }
    }

    private func stopListening() async {
        try? await listener.withLock { $0 }?.close()
    }

    private func accepted(_ channel: any Channel) throws {
        guard let loop = loops[ObjectIdentifier(channel.eventLoop)] else { throw ChannelError.operationUnsupported }
        try loop.value.accept(channel)
    }
}

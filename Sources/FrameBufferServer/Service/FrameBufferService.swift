internal import EventLoopExecution
internal import FrameBuffer
internal import FrameTracking
internal import HTTPServer
package import Logging
internal import NIOCore
internal import NIOPosix
internal import RedisClient
internal import ServiceLifecycle

/// The service: puts its parts together and runs them until it is told to stop.
package struct FrameBufferService: Sendable {
    private let settings: Settings
    private let environment: [String: String]
    private let logger: Logger

    /// - Parameters:
    ///   - settings: what is ours.
    ///   - environment: where the `OTEL_*` variables are, and `PATH`.
    ///   - logger: where everything is logged.
    package init(settings: Settings, environment: [String: String], logger: Logger) {
        self.settings = settings
        self.environment = environment
        self.logger = logger
    }

    /// Runs the service until SIGTERM or SIGINT, and returns once all that was under way has come to its end.
    ///
    /// Throws what stops the start: an address in use, no `redis-server` for the embedded mode. A Redis that is away does
    /// not: the service waits for it. Cancelling ends it without grace.
    package func run() async throws {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: Self.loops(cores: System.coreCount))
        do {
            try await run(on: group)
        } catch {
            try? await group.shutdownGracefully()
            throw error
        }
        try await group.shutdownGracefully()
    }

    /// How many event loops serve so many cores: one for two cores, where a second one only took its core from Redis; and
    /// no more than a Redis, which has one thread, can keep busy.
    static func loops(cores: Int) -> Int {
        max(1, min(4, cores / 2))
    }

    private func run(on group: MultiThreadedEventLoopGroup) async throws {
        let signals = await SignalService.trap()
        var tracing = TracingSettings(environment: environment, serviceName: "frame-buffer")
        tracing.serviceVersion = ServiceState.version
        tracing.batching.flushTimeout = .milliseconds(settings.stopGrace.milliseconds / 4)
        for warning in tracing.warnings { logger.warning("\(warning)") }
        let tracer = FrameTracer(settings: tracing, logger: logger)
        if !["127.0.0.1", "localhost", "::1"].contains(settings.host) {
            logger.warning(
                "whoever reaches the address may enqueue and dequeue",
                metadata: ["host": "\(settings.host)"]
            )
        }
        let (address, embedded) = try await redis()
        let process = ProcessIdentity()
        let clock = FrameClock()
        let pollLimit = PollLimit(settings.maxPolls)
        // One for all that happens on a loop: to change executors costs a turn of it.
        let executors = group.makeIterator().map { EventLoopExecutor($0) }
        let clients = executors.map { executor in
            RedisClient(
                address: address,
                name: process.name,
                scripts: FrameBuffer.scripts,
                executor: executor,
                logger: logger
            )
        }
        let loops = clients.enumerated().map { index, client in
            Queues(
                settings.queues.map { name in
                    FrameBuffer(
                        queue(name),
                        address: address,
                        redis: client,
                        tracer: tracer,
                        pollLimit: pollLimit,
                        process: process,
                        clock: clock,
                        loop: index,
                        logger: logger
                    )
                }
            )
        }
        let connections = HTTPServerCounters()
        let state = ServiceState(
            tracer: tracer,
            limits: limits,
            loops: loops,
            polls: pollLimit,
            connections: connections,
            logger: logger
        )
        let server = try await HTTPServer(
            configuration: http,
            group: group,
            counters: connections,
            logger: logger,
            shares: zip(executors, loops).map { executor, queues in
                HTTPServer.Share(executor: executor, responder: Endpoints(queues: queues, process: state))
            }
        )
        let queues = QueueService(loops: loops, patience: .seconds(1))
        let shutdown = Shutdown()
        // Stopped from the last to the first: the front door, then the queues, then what they need.
        let services: [(any Service)?] = [
            SignalService(signals: signals, shutDown: { await shutdown.begin() }, logger: logger),
            embedded,
            RedisService(clients: clients),
            tracer,
            queues,
            FrontService(server: server, stopPolls: queues.stopPolls),
        ]
        try await run(services.compactMap(\.self), shutdown)
    }

    private func run(_ services: [any Service], _ shutdown: Shutdown) async throws {
        var configuration = ServiceGroupConfiguration(
            services: services.map { .init(service: $0) },
            gracefulShutdownSignals: [],
            logger: logger
        )
        configuration.maximumGracefulShutdownDuration = settings.stopGrace
        let group = ServiceGroup(configuration: configuration)
        await shutdown.set(group)
        try await group.run()
        logger.info("stopped")
    }

    private func redis() async throws -> (RedisAddress, EmbeddedRedis?) {
        switch settings.redis {
        case .address(let address): return (address, nil)
        case .embedded:
            let embedded = EmbeddedRedis(
                directory: settings.dataDirectory,
                searchPath: environment["PATH"],
                logger: logger
            )
            return (try await embedded.start(), embedded)
        }
    }

    private func queue(_ name: String) -> QueueConfiguration {
        var queue = QueueConfiguration(
            name: name,
            group: settings.group,
            capacity: settings.capacityFrames,
            maxDeliveries: settings.maxDeliveries
        )
        queue.capacityBytes = settings.capacityBytes
        queue.overflow = settings.overflow
        queue.retention = settings.retention
        queue.keepFrames = settings.keepFrames
        queue.dequeueTrace = settings.traceDequeue
        queue.deduplicationWindow = settings.deduplicationWindow
        return queue
    }

    private var limits: FrameLimits {
        FrameLimits(
            fields: settings.maxFields,
            fieldName: settings.maxFieldName,
            nesting: settings.maxNesting,
            batch: settings.maxBatch
        )
    }

    private var http: HTTPServerConfiguration {
        var http = HTTPServerConfiguration()
        http.host = settings.host
        http.port = settings.port
        http.maximumBodySize = settings.maxBody
        // Every poll needs a connection, and whatever else comes some more.
        let wanted = max(http.maximumConnections, 2 * settings.maxPolls)
        http.maximumConnections = min(wanted, OpenFiles.raiseLimit())
        if http.maximumConnections < settings.maxPolls {
            logger.warning(
                "fewer connections than polls can be open: raise the limit of open files (ulimit -n)",
                metadata: ["connections": "\(http.maximumConnections)", "polls": "\(settings.maxPolls)"]
            )
        }
        // The rest is for the last spans, and for the leave from Redis.
        http.stopGrace = .milliseconds(settings.stopGrace.milliseconds * 5 / 8)
        return http
    }
}

/// The front door: when the shutdown comes to it, polls end first, as they would hold it open.
private struct FrontService: Service {
    let server: HTTPServer
    let stopPolls: @Sendable () -> Void

    func run() async throws {
        try await withGracefulShutdownHandler {
            try await server.run()
        } onGracefulShutdown: {
            stopPolls()
        }
    }
}

/// Begins the shutdown of a group that does not exist yet when its services are made.
private actor Shutdown {
    private var group: ServiceGroup?

    func set(_ group: ServiceGroup) { self.group = group }

    func begin() async { await group?.triggerGracefulShutdown() }
}

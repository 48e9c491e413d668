package import EventLoopExecution
package import FrameTracking
package import Logging
package import NIOCore
package import RedisClient

/// One queue, as one event loop sees it: frames go into its stream, and come out to whoever waits for them.
///
/// All state that must survive lives in Redis (`QueueKeys`); here is only who waits on this loop, what was handed out here
/// and has not reached its caller yet, and what leaves with this turn of the loop.
package actor FrameBuffer {
    /// The loop that it lives on.
    package nonisolated let eventLoop: any EventLoop
    package nonisolated var unownedExecutor: UnownedSerialExecutor { redis.unownedExecutor }
    /// What it runs on, for tasks that are to run there too.
    package nonisolated var executor: EventLoopExecutor { redis.executor }

    /// What queue it is.
    package nonisolated let configuration: QueueConfiguration
    /// How its frames are traced.
    package nonisolated let spans: FrameSpans
    nonisolated let keys: QueueKeys
    nonisolated let process: ProcessIdentity
    nonisolated let clock: FrameClock
    let address: RedisAddress
    nonisolated let redis: RedisClient
    let logger: Logger
    let limits: RedisLimits
    /// Which of the process' loops this is.
    let loop: Int

    // Enqueueing
    /// What frames are added to, until this turn of the loop ends.
    var openTurn: EnqueueTurn?
    var depth = QueueDepth()
    /// nil where only frames are counted.
    var byteCapacity: ByteCapacity?
    /// Whether settled frames may be in the stream, for readers or, as last seen, for groups other than ours: they don't
    /// count, and `XLEN` alone doesn't say how deep the queue is.
    var keepsSettled: Bool
    /// What Redis has not been told of yet.
    var lastFrames = LastFrames()

    // Dequeueing
    let pollLimit: PollLimit
    var polls: PollQueue<Poll>
    var pollTimer: (deadline: NIODeadline, task: Scheduled<Void>)?
    var wake: CheckedContinuation<Void, Never>?
    /// What reads at this moment; nil while there is no connection.
    var reader: FrameReader?
    /// Whether it was woken, and will look before this turn of the loop ends.
    var isLookDue = false
    /// Whether ``stopPolls()`` was called.
    package internal(set) var isStopping = false
    var life = 0
    var averageFrame = 0
    /// Whether the last frames read were too old for who wanted them, and more of that kind may follow.
    var isClearing = false
    /// Why the last look into the queue failed; nil once one went well.
    var readFailure: RedisError?
    /// When returned frames were last taken, and whether more may be there.
    var lastTake: NIODeadline?
    var mayBeReady = true

    // Reading along
    var tails: [Int: Tail] = [:]
    var nextTail = 0
    /// The follower, if it waits for somebody to read along.
    var followed: UnsafeContinuation<Void, Never>?

    // Handing over
    /// Frames that callers here hold or are being given, or that go to the dead letters.
    var inHand: Set<StreamID> = []
    var handover = Handover()
    /// Frames that have reached their callers since Redis was told last.
    nonisolated let reached: NIOLoopBoundBox<[Delivery]>
    /// Whether Redis is told with this turn of the loop.
    var isHandoverDue = false
    /// Whether it could not be told of some, and will be later.
    var isHandoverDelayed = false
    /// How many calls that return frames are under way, and the reader, if it waits for them.
    var returning = 0
    var returned: CheckedContinuation<Void, Never>?
    /// Consumers of former connections. What they left behind is looked for until their last command has surely run.
    var formerConsumers: [String: NIODeadline] = [:]

    /// What receipts are added to, until this turn of the loop ends.
    var openSettlements: [Settlement: SettlementTurn] = [:]

    // Counting
    /// What happened here since the process began.
    package internal(set) var activity = QueueActivity()
    var measured: (at: NIODeadline, bytes: Int, oldest: FrameTime?)?
    var ghostCursor = "0-0"
    /// How far the frames kept for other groups were looked through.
    var keptCursor = "-"
    var lastHeartbeat = NIODeadline.now()

    /// - Parameters:
    ///   - configuration: what queue it is, and its bounds on this loop.
    ///   - address: where Redis is; the blocking connection goes there.
    ///   - redis: the loop's pipelined connection, with ``FrameBuffer/scripts`` loaded.
    ///   - tracer: records the spans of its frames.
    ///   - pollLimit: shared by all queues and loops of the process.
    ///   - process: shared by all loops of the process.
    ///   - clock: shared likewise.
    ///   - loop: which of them this is.
    package init(
        _ configuration: QueueConfiguration,
        address: RedisAddress,
        redis: RedisClient,
        tracer: FrameTracer,
        pollLimit: PollLimit,
        process: ProcessIdentity,
        clock: FrameClock,
        loop: Int,
        limits: RedisLimits = RedisLimits(),
        logger: Logger
    ) {
        self.configuration = configuration
        self.address = address
        self.redis = redis
        self.process = process
        self.clock = clock
        self.loop = loop
        self.limits = limits
        self.logger = logger
        eventLoop = redis.eventLoop
        spans = FrameSpans(tracer: tracer, queue: configuration, address: address)
        keys = QueueKeys(queue: configuration.name)
        keepsSettled = configuration.retention == .stream
        byteCapacity = configuration.capacityBytes.map(ByteCapacity.init)
        reached = NIOLoopBoundBox.makeBoxSendingValue([], eventLoop: eventLoop)
        self.pollLimit = pollLimit
        polls = PollQueue(limit: pollLimit, patience: limits.silence, now: .now())
    }

    /// The scripts that a connection must have loaded.
    package static let scripts = QueueScripts.all

    /// Calls `body` on the loop, at once where we are on it already.
    nonisolated func onLoop(_ body: @escaping @Sendable (isolated FrameBuffer) -> Void) {
        if eventLoop.inEventLoop {
            assumeIsolated(body)
        } else {
            eventLoop.execute { self.assumeIsolated(body) }
        }
    }

    func error(_ error: RedisError) -> FrameBufferError {
        FrameBufferError(error, key: keys.stream)
    }
}

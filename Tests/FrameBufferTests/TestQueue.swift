import EventLoopExecution
import FrameTracking
import Logging
import NIOCore
import NIOPosix
import RedisClient
import RedisTesting

@testable import FrameBuffer

/// A queue on a real Redis, as one process of the service sees it, with its reader and housekeeping running.
struct TestQueue {
    let buffer: FrameBuffer
    private let running: Task<Void, Never>

    init(
        _ redis: RedisServer,
        capacity: Int = 1000,
        polls: Int = 100,
        maxDeliveries: Int = 5,
        overflow: QueueConfiguration.Overflow = .reject,
        settledWindow: Duration = .seconds(120),
        process: ProcessIdentity = ProcessIdentity(),
        limits: RedisLimits = .patient,
        keepsHouse: Bool = true,
        deduplicationWindow: Duration = .seconds(120),
        configure: (inout QueueConfiguration) -> Void = { _ in }
    ) throws {
        let address = try RedisAddress(redis.url)
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        let client = RedisClient(
            address: address,
            name: "test",
            scripts: FrameBuffer.scripts,
            executor: EventLoopExecutor(MultiThreadedEventLoopGroup.singleton.any()),
            limits: limits,
            logger: logger
        )
        var configuration = QueueConfiguration(
            name: "frames:queue",
            group: "workers",
            capacity: capacity,
            maxDeliveries: maxDeliveries
        )
        configuration.overflow = overflow
        configuration.deduplicationWindow = deduplicationWindow
        configuration.settledWindow = settledWindow
        configure(&configuration)
        let buffer = FrameBuffer(
            configuration,
            address: address,
            redis: client,
            tracer: FrameTracer(
                settings: TracingSettings(environment: ["OTEL_TRACES_EXPORTER": "none"]),
                logger: logger
            ),
            pollLimit: PollLimit(polls),
            process: process,
            clock: FrameClock(),
            loop: 0,
            limits: limits,
            logger: logger
        )
        self.buffer = buffer
        running = Task {
            await withTaskGroup { group in
                group.addTask { await client.run() }
                group.addTask { await buffer.read() }
                group.addTask { await buffer.follow() }
                group.addTask { await buffer.lookAfterConnections() }
                group.addTask { await buffer.tellLastFrames() }
                if keepsHouse {
                    group.addTask { await buffer.keepHouse() }
                    group.addTask { await buffer.returnLapsed() }
                }
            }
        }
    }

    /// Ends it as a crash would: nothing is settled, returned or cleaned up any more.
    func crash() {
        running.cancel()
        buffer.stopPolls()
    }

    /// Enqueues a frame of a given id.
    @discardableResult
    func enqueue(_ frameID: String) async throws -> EnqueuedFrame {
        try await enqueue(json: "{\"frame_id\":\"\(frameID)\",\"n\":1}")
    }

    /// Enqueues a frame of a given text.
    @discardableResult
    func enqueue(json: String) async throws -> EnqueuedFrame {
        try await buffer.enqueue(.json(ByteBuffer(string: json)), for: Caller(span: nil, broughtContext: false))
    }

    /// The ids of the frames that a poll gets; they are settled.
    func dequeue(count: Int = 1, wait: Duration = .seconds(5)) async throws -> [String] {
        let frames = try await take(count: count, wait: wait)
        for frame in frames { await buffer.settle(frame.delivery) }
        return frames.compactMap(\.frameID)
    }

    /// The frames that a poll gets; they stay in hand.
    func take(count: Int = 1, wait: Duration = .seconds(5)) async throws -> [DequeuedFrame] {
        try await buffer.dequeue(count: count, wait: wait)
    }

    // MARK: Leases

    /// The frames that a poll gets under a lease.
    func lease(
        count: Int = 1,
        for duration: Duration = .seconds(60),
        wait: Duration = .seconds(5),
        holder: String = "test"
    ) async throws -> [DequeuedFrame] {
        let terms = LeaseTerms(duration: duration, holder: holder)
        return try await buffer.dequeue(count: count, wait: wait, lease: terms)
    }

    /// What becomes of frames, by their receipts: how many are settled, and how many receipts are stale.
    @discardableResult
    func settle(_ receipts: [Receipt], _ settlement: Settlement) async throws -> Settled {
        let caller = Caller(span: nil, broughtContext: false)
        let outcome = try await buffer.settle(receipts, as: settlement, for: caller)
        return Settled(outcome.settled, stale: outcome.stale.count)
    }

    /// The same of one frame.
    @discardableResult
    func settle(_ frame: DequeuedFrame, _ settlement: Settlement) async throws -> Settled {
        try await settle([frame.receipt].compactMap(\.self), settlement)
    }

    /// How many frames wait, are leased, and are dead.
    func counts() async throws -> [Int] {
        let size = try await buffer.size()
        return [size.waiting, size.leased, size.dead]
    }

    /// Runs `body` with a queue of its own on a Redis of its own.
    static func with(
        capacity: Int = 1000,
        limits: RedisLimits = .patient,
        maxDeliveries: Int = 5,
        overflow: QueueConfiguration.Overflow = .reject,
        settledWindow: Duration = .seconds(120),
        configure: (inout QueueConfiguration) -> Void = { _ in },
        _ body: (TestQueue, RedisServer) async throws -> Void
    ) async throws {
        let redis = try await RedisServer()
        let queue = try TestQueue(
            redis,
            capacity: capacity,
            maxDeliveries: maxDeliveries,
            overflow: overflow,
            settledWindow: settledWindow,
            limits: limits,
            configure: configure
        )
        defer { queue.crash() }
        try await body(queue, redis)
    }
}

extension RedisLimits {
    /// For tests that are not about a Redis that keeps silent: on a busy machine a healthy one may do so for a second.
    static var patient: RedisLimits {
        var limits = RedisLimits()
        limits.silence = .seconds(10)
        limits.connect = .seconds(10)
        return limits
    }
}

extension DequeuedFrame {
    /// The frame's id, as its entry has it.
    var frameID: String? { withStored(\.frameID) }

    /// What settles it; nil where it is not leased.
    var receipt: Receipt? { delivery.lease?.receipt }
}

/// What became of receipts; the rest of them counts neither.
struct Settled: Equatable {
    let settled: Int
    let stale: Int

    init(_ settled: Int, stale: Int = 0) {
        self.settled = settled
        self.stale = stale
    }
}

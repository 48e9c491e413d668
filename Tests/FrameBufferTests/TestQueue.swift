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
        process: ProcessIdentity = ProcessIdentity(),
        limits: RedisLimits = .patient,
        keepsHouse: Bool = true,
        deduplicationWindow: Duration = .seconds(120)
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
        var configuration = QueueConfiguration(name: "frames:queue", group: "workers", capacity: capacity)
        configuration.deduplicationWindow = deduplicationWindow
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
                group.addTask { await buffer.lookAfterFormerConnections() }
                if keepsHouse { group.addTask { await buffer.keepHouse() } }
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

    /// Runs `body` with a queue of its own on a Redis of its own.
    static func with(
        capacity: Int = 1000,
        limits: RedisLimits = .patient,
        _ body: (TestQueue, RedisServer) async throws -> Void
    ) async throws {
        let redis = try await RedisServer()
        let queue = try TestQueue(redis, capacity: capacity, limits: limits)
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
}

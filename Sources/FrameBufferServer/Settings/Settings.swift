package import FrameBuffer
package import Logging
package import RedisClient

/// How the service runs: what its command line, environment and file say, and the defaults for the rest.
///
/// What a setting is called in each of these, and why one would change it, is in `SettingDefinition`.
package struct Settings: Hashable, Sendable {
    /// Where frames are kept.
    package enum Redis: Hashable, Sendable {
        /// In a `redis-server` of the service's own, see `EmbeddedRedis`.
        case embedded
        /// In a server that others run.
        case address(RedisAddress)
    }

    /// What a line of the log looks like.
    package enum LogFormat: String, CaseIterable, Sendable {
        /// For people.
        case text
        /// One JSON object a line, for machines.
        case json
    }

    /// The address to listen on.
    package var host = "127.0.0.1"
    /// The TCP port to listen on; 0 takes any free one.
    package var port = 8080
    /// The queues that are served, each a stream in Redis; the first is the default. Never empty, no name twice.
    package var queues = ["frames:queue"]
    /// The consumer group that workers share.
    package var group = "workers"
    /// Frames that may wait or be leased in a queue.
    package var capacityFrames = 10_000
    /// Bytes that a queue's stream may take in Redis' memory; nil: any number.
    package var capacityBytes: Int?
    /// What becomes of a frame that there is no room for.
    package var overflow = QueueConfiguration.Overflow.reject
    /// What becomes of a frame that is settled.
    package var retention = QueueConfiguration.Retention.workqueue
    /// The most settled frames that stay in a queue's stream; nil: as many as ``capacityFrames``.
    package var keepFrames: Int?
    /// How long a request's key is remembered.
    package var deduplicationWindow = Duration.seconds(120)
    /// How many deliveries of a frame may go unacknowledged; then it is dead. 0: any number.
    package var maxDeliveries = 5
    /// The largest request body, in bytes.
    package var maxBody = 32 << 20
    /// Fields in a frame.
    package var maxFields = 128
    /// The longest field name, in bytes.
    package var maxFieldName = 256
    /// Objects and arrays within each other in a JSON frame.
    package var maxNesting = 64
    /// Frames in a batch.
    package var maxBatch = 1_000
    /// Polls that wait at once, over all queues.
    package var maxPolls = 10_000
    /// How long a stop may take.
    package var stopGrace = Duration.seconds(8)
    package var traceDequeue = QueueConfiguration.DequeueTrace.parent
    /// The directory of the embedded Redis: its append-only file, socket and locks.
    package var dataDirectory = ".framebuffer"
    package var redis = Redis.embedded
    package var logLevel = Logger.Level.info
    package var logFormat = LogFormat.text

    /// The defaults.
    package init() {}
}

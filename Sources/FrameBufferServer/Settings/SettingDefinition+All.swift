extension SettingDefinition {
    /// Every setting, in the order in which people are shown them.
    package static let all: [SettingDefinition] = [
        host, port, stopGrace,
        queues, group, capacityFrames, capacityBytes, overflow, retention, keepFrames, maxDeliveries,
        deduplicationWindow,
        maxBody, maxFields, maxFieldName, maxNesting, maxBatch, maxPolls,
        redisURL, dataDirectory,
        traceDequeue,
        logLevel, logFormat,
    ]

    // MARK: - Listening and stopping

    package static let host = SettingDefinition(
        "host",
        \.host,
        .name(placeholder: "ADDRESS"),
        why: "The address to listen on; 0.0.0.0 or :: for every interface.",
        audience: "whoever lets other machines in, and every container"
    )
    package static let port = SettingDefinition(
        "port",
        \.port,
        .number(0...65_535, placeholder: "PORT"),
        why: "The TCP port to listen on; 0 takes any free one.",
        audience: "whoever has something else on this one"
    )
    package static let stopGrace = SettingDefinition(
        "stop_grace",
        \.stopGrace,
        .duration(.zero ... .seconds(3600)),
        why: "How long a stop may take before what is under way is cut off.",
        audience: "operators whose orchestrator kills sooner, or whose uploads take longer"
    )

    // MARK: - The queue

    package static let queues = SettingDefinition(
        "queues",
        \.queues,
        .names,
        why: "The queues to serve, each a Redis stream; the first is the default.",
        audience: "operators who keep kinds of frames apart, or bring a stream of their own"
    )
    package static let group = SettingDefinition(
        "group",
        \.group,
        .name(placeholder: "NAME"),
        why: "The consumer group that hands each frame to one worker.",
        audience: "operators whose stream has a group of this name already"
    )
    package static let capacityFrames = SettingDefinition(
        "capacity.frames",
        \.capacityFrames,
        .number(1...1_000_000_000, placeholder: "NUMBER"),
        why: "Frames that may wait or be leased in a queue; a full one answers 429.",
        audience: "operators, by the memory that Redis has"
    )
    package static let capacityBytes = SettingDefinition(
        "capacity.bytes",
        \.capacityBytes,
        .optional(.size(1 << 20...1 << 50), absent: "none"),
        why: "Bytes of Redis' memory that a queue may take, by its own measure; a full one answers 429.",
        audience: "operators whose frames differ in size, or whose Redis has others to serve"
    )
    package static let overflow = SettingDefinition(
        "overflow",
        \.overflow,
        .choice,
        why: "What a full queue does: reject the new frame, or drop-oldest, of those that wait, to make room for it.",
        audience: "operators to whom a new picture is worth more than an old one"
    )
    package static let retention = SettingDefinition(
        "retention",
        \.retention,
        .choice,
        why: "What becomes of a settled frame: workqueue deletes it, stream keeps it until it is trimmed.",
        audience: "operators with readers of their own on the stream, who come later than the workers"
    )
    package static let keepFrames = SettingDefinition(
        "keep_frames",
        \.keepFrames,
        .optional(.number(1...1_000_000_000, placeholder: "NUMBER"), absent: "capacity"),
        why: "Settled frames that stay at most, for other groups or for readers; the oldest are trimmed first.",
        audience: "operators who keep more for them than may wait, or less"
    )

    package static let maxDeliveries = SettingDefinition(
        "max.deliveries",
        \.maxDeliveries,
        .number(0...1_000_000, placeholder: "NUMBER"),
        why: "Deliveries of a frame that may go unacknowledged before it is dead; 0 for any number.",
        audience: "operators whose workers fail for reasons that are not the frame's"
    )

    package static let deduplicationWindow = SettingDefinition(
        "dedup_window",
        \.deduplicationWindow,
        .duration(.seconds(1) ... .seconds(86_400)),
        why: "How long the key of a request is remembered: the same one within it writes nothing.",
        audience: "operators whose producers try again for longer, or whose Redis is short of memory"
    )

    // MARK: - Limits

    package static let maxBody = SettingDefinition(
        // Redis takes no value over 512 MiB.
        "max.body",
        \.maxBody,
        .size(1...512 << 20),
        why: "The largest request body; more answers 413.",
        audience: "producers of larger pictures"
    )
    package static let maxFields = SettingDefinition(
        // A script of Redis can't pass on more than some 8,000 words at once, two of them a field.
        "max.fields",
        \.maxFields,
        .number(1...3_000, placeholder: "NUMBER"),
        why: "Fields in a frame; more answers 400.",
        audience: "producers of frames with very many fields"
    )
    package static let maxFieldName = SettingDefinition(
        "max.field_name",
        \.maxFieldName,
        .size(16...64 << 10),
        why: "The longest name of a field; a longer one answers 400.",
        audience: "producers whose names are made by programs"
    )
    package static let maxNesting = SettingDefinition(
        "max.nesting",
        \.maxNesting,
        .number(1...1_000, placeholder: "NUMBER"),
        why: "Objects and arrays within each other in a JSON frame; more answers 400.",
        audience: "producers of deep trees"
    )
    package static let maxBatch = SettingDefinition(
        "max.batch",
        \.maxBatch,
        .number(1...10_000, placeholder: "NUMBER"),
        why: "Frames in a batch; more answers 400.",
        audience: "producers of very many small frames"
    )
    package static let maxPolls = SettingDefinition(
        "max.polls",
        \.maxPolls,
        .number(1...1_000_000, placeholder: "NUMBER"),
        why: "Dequeues that wait at once; one more answers 503.",
        audience: "operators of very many workers, who raise the limit of open files too"
    )

    // MARK: - Redis

    package static let redisURL = SettingDefinition(
        "redis.url",
        \.redis,
        .redis,
        environmentName: "REDIS_URL",
        why:
            "The Redis that keeps the frames: redis://[user:password@]host:port/database, unix:///path, or embedded for one "
            + "of the service's own.",
        audience:
            "every installation of more than one process; a password goes into the environment, since all can see a "
            + "command line"
    )
    package static let dataDirectory = SettingDefinition(
        "data_dir",
        \.dataDirectory,
        .path,
        why: "The directory of the embedded Redis.",
        audience: "operators with a disk for it; each service needs one of its own"
    )

    // MARK: - Traces

    package static let traceDequeue = SettingDefinition(
        "trace.dequeue",
        \.traceDequeue,
        .choice,
        why: "Whose child the dequeue span is: parent puts it into the frame's trace, link into the worker's.",
        audience: "readers of traces"
    )

    // MARK: - Logs

    package static let logLevel = SettingDefinition(
        "log.level",
        \.logLevel,
        .choice,
        environmentName: "LOG_LEVEL",
        why: "What is logged, from trace to critical.",
        audience: "whoever looks for a fault"
    )
    package static let logFormat = SettingDefinition(
        "log.format",
        \.logFormat,
        .choice,
        environmentName: "LOG_FORMAT",
        why: "Lines of text for people, or of JSON for machines.",
        audience: "operators who collect logs"
    )
}

/// How spans are made and exported: the OpenTelemetry SDK's settings.
public struct TracingSettings: Sendable {
    /// Where spans go.
    public enum Exporter: String, Sendable {
        /// To a receiver that speaks OTLP.
        case otlp
        /// Nowhere; contexts are propagated all the same.
        case none
    }

    /// How spans are collected for export.
    public struct Batching: Hashable, Sendable {
        /// How many spans may wait; more are dropped.
        public var maximumQueueSize = 2048
        /// How many spans go in one request; not more than may wait.
        public var maximumBatchSize = 512
        /// How long a span waits for others at most.
        public var scheduleDelay = Duration.milliseconds(5000)
        /// How long exporting a batch may take.
        public var exportTimeout = Duration.milliseconds(30_000)
        /// How long exporting what is left may take at the stop.
        public var flushTimeout = Duration.seconds(3)

        /// The specification's defaults.
        public init() {}
    }

    /// A header of the exporter's requests.
    public struct Header: Hashable, Sendable {
        /// The header's name.
        public var name: String
        /// The header's value, which may be a secret.
        public var value: String

        /// A header, which is not checked.
        public init(name: String, value: String) {
            self.name = name
            self.value = value
        }
    }

    /// Whether no spans are made at all.
    public var isDisabled = false
    /// The resource attribute `service.name`.
    public var serviceName = "frame-buffer"
    /// The version of the service and of its instrumentation.
    public var version = "0.1.0"
    /// Further attributes of the resource, as texts.
    public var resourceAttributes: [(key: String, value: String)] = []
    /// Which traces are recorded.
    public var sampler = Sampler.parentBasedAlwaysOn
    /// Where spans go.
    public var exporter = Exporter.otlp
    /// The URL that spans are posted to.
    public var endpoint = "http://localhost:4318/v1/traces"
    /// Headers that are sent with them.
    public var headers: [Header] = []
    /// How long one export may take, all attempts together.
    public var exportTimeout = Duration.milliseconds(10_000)
    /// How spans are collected for export.
    public var batching = Batching()
    /// What was wrong with the environment, to be logged. Names variables and never shows values.
    public private(set) var warnings: [String] = []

    /// The specification's defaults.
    public init() {}
}

// MARK: - Environment

extension TracingSettings {
    /// The settings in `OTEL_*` variables (OpenTelemetry specification, "SDK environment variables" and "OTLP
    /// exporter"). Whatever is unusable is as good as unset, with a warning.
    public init(environment: [String: String]) {
        var reader = EnvironmentReader(environment: environment)
        isDisabled = reader.boolean("OTEL_SDK_DISABLED")
        readService(&reader)
        readSampler(&reader)
        readExporter(&reader)
        readBatching(&reader)
        warnings = reader.warnings
    }

    private mutating func readService(_ reader: inout EnvironmentReader) {
        let name = "OTEL_RESOURCE_ATTRIBUTES"
        // One fault is enough to discard them all: so the specification.
        let attributes = reader.value(of: [name], expecting: "pairs of key=value, percent-encoded") { text in
            let pairs = KeyValueList.parse(text)
            let isValid = pairs.allSatisfy { $0.isValid }
            return isValid ? pairs.compactMap(\.pair) : nil
        }
        resourceAttributes = (attributes ?? []).filter { !$0.key.isEmpty }
        serviceName =
            reader.text("OTEL_SERVICE_NAME")
            ?? resourceAttributes.last { $0.key == "service.name" && !$0.value.isEmpty }?.value
            ?? serviceName
    }

    private mutating func readSampler(_ reader: inout EnvironmentReader) {
        let ratio: Double
        switch reader.text("OTEL_TRACES_SAMPLER")?.lowercased() {
        case "traceidratio", "parentbased_traceidratio":
            ratio =
                reader.value(of: ["OTEL_TRACES_SAMPLER_ARG"], expecting: "a number from 0 to 1") { text in
                    Double(text).flatMap { (0...1).contains($0) ? $0 : nil }
                } ?? 1
        default: ratio = 1
        }
        sampler =
            reader.value(of: ["OTEL_TRACES_SAMPLER"], expecting: "a sampler built in") { text in
                switch text.lowercased() {
                case "always_on": .alwaysOn
                case "always_off": .alwaysOff
                case "traceidratio": .traceIDRatio(ratio)
                case "parentbased_always_on": .parentBasedAlwaysOn
                case "parentbased_always_off": .parentBasedAlwaysOff
                case "parentbased_traceidratio": .parentBasedTraceIDRatio(ratio)
                default: nil
                }
            } ?? sampler
    }

    private mutating func readExporter(_ reader: inout EnvironmentReader) {
        exporter =
            reader.value(of: ["OTEL_TRACES_EXPORTER"], expecting: "otlp or none") { text in
                Exporter(rawValue: text.lowercased())
            } ?? exporter
        endpoint =
            reader.value(of: ["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"], expecting: "an http or https URL") { text in
                OTLPEndpoint(text)?.url
            }
            ?? reader.value(of: ["OTEL_EXPORTER_OTLP_ENDPOINT"], expecting: "an http or https URL") { text in
                OTLPEndpoint(text)?.appending("v1/traces")
            } ?? endpoint
        headers = reader.headers(of: ["OTEL_EXPORTER_OTLP_TRACES_HEADERS", "OTEL_EXPORTER_OTLP_HEADERS"])
        exportTimeout =
            reader.timeout("OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", "OTEL_EXPORTER_OTLP_TIMEOUT") ?? exportTimeout
    }

    private mutating func readBatching(_ reader: inout EnvironmentReader) {
        batching.scheduleDelay = reader.duration("OTEL_BSP_SCHEDULE_DELAY") ?? batching.scheduleDelay
        batching.exportTimeout = reader.timeout("OTEL_BSP_EXPORT_TIMEOUT") ?? batching.exportTimeout
        batching.maximumQueueSize = reader.count("OTEL_BSP_MAX_QUEUE_SIZE") ?? batching.maximumQueueSize
        let limit = batching.maximumQueueSize
        batching.maximumBatchSize =
            reader.value(
                of: ["OTEL_BSP_MAX_EXPORT_BATCH_SIZE"],
                expecting: "a positive number, at most OTEL_BSP_MAX_QUEUE_SIZE"
            ) { text in
                Int(text).flatMap { (1...limit).contains($0) ? $0 : nil }
            } ?? min(batching.maximumBatchSize, limit)
    }
}

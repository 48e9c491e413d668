/// How spans are made and exported: the OpenTelemetry SDK's settings.
public struct TracingSettings: Sendable {
    /// Where spans go.
    public enum Exporter: String, Sendable {
        /// To a receiver that speaks OTLP.
        case otlp
        /// To standard output, one JSON object a line, as soon as each has ended. For debugging: the form may change.
        case console
        /// Nowhere; contexts are propagated all the same.
        case none
    }

    /// How spans are encoded for OTLP over HTTP.
    public enum OTLPProtocol: String, Sendable {
        /// As binary protobuf.
        case protobuf = "http/protobuf"
        /// As JSON.
        case json = "http/json"
    }

    /// How requests of the exporter are compressed.
    public enum Compression: String, Sendable {
        /// Not at all.
        case none
        /// As gzip has it (RFC 1952).
        case gzip
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
    /// The resource attribute `service.name`: what the program's traces are found by.
    public var serviceName = unknownService
    /// The resource attribute `service.version`: the program's own version, if it has one.
    public var serviceVersion: String?
    /// Further attributes of the resource, as texts.
    public var resourceAttributes: [(key: String, value: String)] = []
    /// What carries contexts; a propagator that is not among them is not used. Holds where tracing is disabled, too.
    public var propagators = Propagators.all
    /// Which traces are recorded.
    public var sampler = Sampler.parentBasedAlwaysOn
    /// How much a span takes in.
    public var spanLimits = SpanLimits()
    /// Where spans go.
    public var exporter = Exporter.otlp
    /// The URL that spans are posted to.
    public var endpoint = "http://localhost:4318/v1/traces"
    /// How they are encoded.
    public var otlpProtocol = OTLPProtocol.protobuf
    /// How they are compressed.
    public var compression = Compression.none
    /// A PEM file of the certificates that an `https` endpoint is trusted by, in place of the system's.
    public var certificateFile: String?
    /// A PEM file of this client's private key, for an `https` endpoint that asks for a certificate.
    public var clientKeyFile: String?
    /// A PEM file of this client's certificate and those between it and one that the endpoint trusts.
    public var clientCertificateFile: String?
    /// Headers that are sent with them.
    public var headers: [Header] = []
    /// How long one export may take, all attempts together.
    public var exportTimeout = Duration.milliseconds(10_000)
    /// How spans are collected for export.
    public var batching = Batching()
    /// What was wrong with the environment, to be logged. Names variables and never shows values.
    public internal(set) var warnings: [String] = []

    /// What a service is called that nobody has named: so the semantic conventions for resources.
    private static let unknownService =
        Resource.executableName.map { "unknown_service:\($0)" } ?? "unknown_service"

    /// The specification's defaults.
    public init() {}
}

extension TracingSettings {
    /// The settings in `OTEL_*` variables (OpenTelemetry specification, "SDK environment variables" and "OTLP
    /// exporter"). Whatever is unusable is as good as unset, with a warning.
    ///
    /// - Parameters:
    ///   - environment: the process' variables, as `ProcessInfo.processInfo.environment` has them.
    ///   - serviceName: what the program is called where no variable says so; without it, `unknown_service:` and the
    ///     executable's name.
    public init(environment: [String: String], serviceName: String? = nil) {
        var reader = EnvironmentReader(environment: environment)
        self.init(&reader, serviceName: serviceName)
    }

    init(_ reader: inout EnvironmentReader, serviceName: String? = nil) {
        if let serviceName { self.serviceName = serviceName }
        isDisabled = reader.boolean("OTEL_SDK_DISABLED")
        readService(&reader)
        readPropagators(&reader)
        readSampler(&reader)
        readLimits(&reader)
        readExporter(&reader)
        readTransportSecurity(&reader)
        readBatching(&reader)
        readUnsupported(&reader)
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

    private mutating func readPropagators(_ reader: inout EnvironmentReader) {
        let name = "OTEL_PROPAGATORS"
        guard let text = reader.text(name) else { return }
        let words = text.lowercased().split(separator: ",").map { String(Substring($0.utf8.trimmingBlanks())) }
        let known = words.compactMap(Propagators.init(name:))
        for word in words where !word.isEmpty && word != "none" && Propagators(name: word) == nil {
            reader.warn(
                "\(name): \(EnvironmentReader.quoted(word)) is left out: it is none of tracecontext, baggage, none"
            )
        }
        if !known.isEmpty {
            if words.contains("none") { reader.warn("\(name): none is left out, as there are others beside it") }
            propagators = Propagators(known)
        } else if words.contains("none") {
            propagators = []
        }
    }

    private mutating func readSampler(_ reader: inout EnvironmentReader) {
        let argument = "OTEL_TRACES_SAMPLER_ARG"
        let names: KeyValuePairs<String, @Sendable (Double) -> Sampler> = [
            "always_on": { _ in .alwaysOn },
            "always_off": { _ in .alwaysOff },
            "traceidratio": { .traceIDRatio($0) },
            "parentbased_always_on": { _ in .parentBasedAlwaysOn },
            "parentbased_always_off": { _ in .parentBasedAlwaysOff },
            "parentbased_traceidratio": { .parentBasedTraceIDRatio($0) },
        ]
        let chosen = reader.word(of: ["OTEL_TRACES_SAMPLER"], from: names)
        switch chosen?(1) {
        case .traceIDRatio, .parentBasedTraceIDRatio:
            let ratio = reader.value(of: [argument], expecting: "a number from 0 to 1") { text in
                Double(text).flatMap { (0...1).contains($0) ? $0 : nil }
            }
            sampler = chosen?(ratio ?? 1) ?? sampler
        case let chosen:
            if reader.text(argument) != nil {
                reader.warn(
                    "\(argument) is ignored: only the samplers traceidratio and parentbased_traceidratio take one"
                )
            }
            sampler = chosen ?? sampler
        }
    }

    /// What holds for all attributes goes behind what holds for those of spans, of events or of links.
    private mutating func readLimits(_ reader: inout EnvironmentReader) {
        let count = reader.limit("OTEL_ATTRIBUTE_COUNT_LIMIT")
        let length = reader.limit("OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT")
        spanLimits.attributeCountLimit =
            reader.limit("OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT") ?? count ?? spanLimits.attributeCountLimit
        spanLimits.attributeValueLengthLimit = reader.limit("OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT") ?? length
        spanLimits.eventCountLimit = reader.limit("OTEL_SPAN_EVENT_COUNT_LIMIT") ?? spanLimits.eventCountLimit
        spanLimits.linkCountLimit = reader.limit("OTEL_SPAN_LINK_COUNT_LIMIT") ?? spanLimits.linkCountLimit
        spanLimits.attributePerEventCountLimit =
            reader.limit("OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT") ?? count ?? spanLimits.attributePerEventCountLimit
        spanLimits.attributePerLinkCountLimit =
            reader.limit("OTEL_LINK_ATTRIBUTE_COUNT_LIMIT") ?? count ?? spanLimits.attributePerLinkCountLimit
    }

    private mutating func readExporter(_ reader: inout EnvironmentReader) {
        exporter =
            reader.word(of: ["OTEL_TRACES_EXPORTER"], from: ["otlp": .otlp, "console": .console, "none": .none])
            ?? exporter
        let ofTraces = reader.value(
            of: ["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"],
            expecting: "an http or https URL"
        ) { OTLPEndpoint($0)?.url }
        let general = reader.value(of: ["OTEL_EXPORTER_OTLP_ENDPOINT"], expecting: "an http or https URL") { text in
            OTLPEndpoint(text)?.appending("v1/traces")
        }
        endpoint = ofTraces ?? general ?? endpoint
        headers = reader.headers(of: ["OTEL_EXPORTER_OTLP_TRACES_HEADERS", "OTEL_EXPORTER_OTLP_HEADERS"])
        exportTimeout =
            reader.timeout("OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", "OTEL_EXPORTER_OTLP_TIMEOUT") ?? exportTimeout
        compression =
            reader.word(
                of: ["OTEL_EXPORTER_OTLP_TRACES_COMPRESSION", "OTEL_EXPORTER_OTLP_COMPRESSION"],
                from: ["none": .none, "gzip": .gzip]
            ) ?? compression
        readProtocol(&reader)
    }

    private mutating func readProtocol(_ reader: inout EnvironmentReader) {
        let names = ["OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL"]
        let written = reader.word(
            of: names,
            from: [
                "grpc": OTLPProtocol.protobuf, OTLPProtocol.protobuf.rawValue: .protobuf,
                OTLPProtocol.json.rawValue: .json,
            ]
        )
        if let (name, text) = reader.first(of: names), text.lowercased() == "grpc" {
            reader.warn(
                "\(name): grpc is not spoken, http/protobuf is used instead, which collectors take on port 4318 as a rule"
            )
        }
        otlpProtocol = written ?? otlpProtocol
    }

    private mutating func readTransportSecurity(_ reader: inout EnvironmentReader) {
        func file(_ kind: String) -> String? {
            reader.first(of: ["OTEL_EXPORTER_OTLP_TRACES_\(kind)", "OTEL_EXPORTER_OTLP_\(kind)"])?.text
        }
        certificateFile = file("CERTIFICATE")
        clientKeyFile = file("CLIENT_KEY")
        clientCertificateFile = file("CLIENT_CERTIFICATE")
        if (clientKeyFile == nil) != (clientCertificateFile == nil) {
            let (given, missing) =
                clientKeyFile == nil ? ("CLIENT_CERTIFICATE", "CLIENT_KEY") : ("CLIENT_KEY", "CLIENT_CERTIFICATE")
            reader.warn("OTEL_EXPORTER_OTLP_\(given) is ignored: it needs OTEL_EXPORTER_OTLP_\(missing)")
            (clientKeyFile, clientCertificateFile) = (nil, nil)
        }
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

    /// Who sets these expects that all else comes from that file.
    private mutating func readUnsupported(_ reader: inout EnvironmentReader) {
        for name in ["OTEL_CONFIG_FILE", "OTEL_EXPERIMENTAL_CONFIG_FILE"] where reader.text(name) != nil {
            reader.warn("\(name) is ignored: a configuration file is not supported, only the other variables are")
        }
    }
}

import Foundation
import Testing

@testable import FrameTracking

@Suite("OTEL_* settings")
struct TracingSettingsTests {
    @Test("Without variables the specification's defaults hold, and empty ones are none")
    func defaults() {
        let names = Self.known
        for environment in [[:], Dictionary(uniqueKeysWithValues: names.map { ($0, " ") })] {
            let settings = TracingSettings(environment: environment)
            #expect(!settings.isDisabled)
            #expect(settings.serviceName.hasPrefix("unknown_service:"))
            #expect(settings.serviceVersion == nil)
            #expect(settings.propagators == [.traceContext, .baggage])
            #expect(settings.sampler == .parentBasedAlwaysOn)
            #expect(settings.spanLimits == SpanLimits())
            #expect(settings.spanLimits.attributeValueLengthLimit == nil)
            #expect(settings.exporter == .otlp)
            #expect(settings.otlpProtocol == .protobuf)
            #expect(settings.compression == .none)
            #expect(settings.certificateFile == nil)
            #expect(settings.clientKeyFile == nil && settings.clientCertificateFile == nil)
            #expect(settings.endpoint == "http://localhost:4318/v1/traces")
            #expect(settings.headers.isEmpty)
            #expect(settings.exportTimeout == .seconds(10))
            #expect(settings.batching.scheduleDelay == .seconds(5))
            #expect(settings.batching.exportTimeout == .seconds(30))
            #expect(settings.batching.maximumQueueSize == 2048)
            #expect(settings.batching.maximumBatchSize == 512)
            #expect(settings.warnings.isEmpty)
        }
    }

    /// Every variable that is read.
    private static var known: Set<String> {
        var reader = EnvironmentReader(environment: [:])
        _ = TracingSettings(&reader)
        return reader.names
    }

    @Test("The guide lists every variable that is read, and no other as supported")
    func documented() throws {
        let guide = try #require(
            FileManager.default.contents(
                atPath: #filePath.split(separator: "Tests/FrameTrackingTests", maxSplits: 1)[0]
                    + "Sources/FrameTracking/FrameTracking.docc/TraceSettings.md"
            )
        )
        let rows = String(decoding: guide, as: UTF8.self).split(separator: "\n").filter { $0.hasPrefix("| `OTEL_") }
        var supported: Set<String> = []
        for row in rows {
            let columns = row.split(separator: "|", omittingEmptySubsequences: false)
            guard columns.count > 3, !columns[3].contains("not supported") else { continue }
            for match in columns[1].matches(of: /OTEL_[A-Z_]+/) { supported.insert(String(match.output)) }
        }
        // These two are read for the warning that they are not supported.
        #expect(supported == Self.known.subtracting(["OTEL_CONFIG_FILE", "OTEL_EXPERIMENTAL_CONFIG_FILE"]))
    }

    @Test(
        "Only true is true, in any case; anything but false is warned about",
        arguments: [
            ("true", true, 0), ("True", true, 0), ("TRUE", true, 0), ("false", false, 0), ("False", false, 0),
            ("1", false, 1), ("yes", false, 1), ("on", false, 1),
        ]
    )
    func disabled(text: String, isDisabled: Bool, warnings: Int) {
        let settings = TracingSettings(environment: ["OTEL_SDK_DISABLED": text])
        #expect(settings.isDisabled == isDisabled)
        #expect(settings.warnings.count == warnings)
        #expect(settings.warnings.allSatisfy { $0.contains("OTEL_SDK_DISABLED") })
    }

    @Test("The service's name comes from its variable, else from the resource attributes")
    func serviceName() {
        let attributes = "service.name=from%20attributes,team=vision"
        #expect(TracingSettings(environment: ["OTEL_RESOURCE_ATTRIBUTES": attributes]).serviceName == "from attributes")
        let both = TracingSettings(environment: ["OTEL_RESOURCE_ATTRIBUTES": attributes, "OTEL_SERVICE_NAME": "own"])
        #expect(both.serviceName == "own")
        #expect(both.resourceAttributes.map(\.key) == ["service.name", "team"])
    }

    @Test("What a program calls itself holds where no variable says otherwise")
    func ownServiceName() {
        #expect(
            TracingSettings(environment: ["OTEL_SERVICE_NAME": ""], serviceName: "detector").serviceName == "detector"
        )
        for environment in [["OTEL_SERVICE_NAME": "own"], ["OTEL_RESOURCE_ATTRIBUTES": "service.name=own"]] {
            #expect(TracingSettings(environment: environment, serviceName: "detector").serviceName == "own")
        }
    }

    @Test("One fault discards all resource attributes", arguments: ["team=vision,bad", "team=vision,=v", "team=%zz"])
    func resourceAttributes(text: String) {
        let settings = TracingSettings(environment: ["OTEL_RESOURCE_ATTRIBUTES": text])
        #expect(settings.resourceAttributes.isEmpty)
        #expect(settings.warnings.count == 1)
    }

    @Test(
        "All six samplers are known, with the ratio of two of them",
        arguments: [
            ("always_on", nil, Sampler.alwaysOn), ("always_off", nil, .alwaysOff),
            ("traceidratio", "0.25", .traceIDRatio(0.25)), ("traceidratio", nil, .traceIDRatio(1)),
            ("parentbased_always_on", nil, .parentBasedAlwaysOn),
            ("PARENTBASED_ALWAYS_OFF", nil, .parentBasedAlwaysOff),
            ("parentbased_traceidratio", "0", .parentBasedTraceIDRatio(0)),
            ("parentbased_traceidratio", "1e-3", .parentBasedTraceIDRatio(0.001)),
        ] as [(String, String?, Sampler)]
    )
    func samplers(name: String, argument: String?, sampler: Sampler) {
        var environment = ["OTEL_TRACES_SAMPLER": name]
        environment["OTEL_TRACES_SAMPLER_ARG"] = argument
        let settings = TracingSettings(environment: environment)
        #expect(settings.sampler == sampler)
        #expect(settings.warnings.isEmpty)
    }

    @Test(
        "An unknown sampler and an unusable ratio are warned about",
        arguments: [
            (["OTEL_TRACES_SAMPLER": "jaeger_remote"], "OTEL_TRACES_SAMPLER", Sampler.parentBasedAlwaysOn),
            (["OTEL_TRACES_SAMPLER": "always_off", "OTEL_TRACES_SAMPLER_ARG": "0.5"], "_ARG", .alwaysOff),
            (["OTEL_TRACES_SAMPLER_ARG": "0.5"], "_ARG", .parentBasedAlwaysOn),
            (["OTEL_TRACES_SAMPLER": "traceidratio", "OTEL_TRACES_SAMPLER_ARG": "1.5"], "_ARG", .traceIDRatio(1)),
            (["OTEL_TRACES_SAMPLER": "traceidratio", "OTEL_TRACES_SAMPLER_ARG": "-0.1"], "_ARG", .traceIDRatio(1)),
            (["OTEL_TRACES_SAMPLER": "traceidratio", "OTEL_TRACES_SAMPLER_ARG": "nan"], "_ARG", .traceIDRatio(1)),
            (["OTEL_TRACES_SAMPLER": "traceidratio", "OTEL_TRACES_SAMPLER_ARG": "half"], "_ARG", .traceIDRatio(1)),
        ]
    )
    func unusableSamplers(environment: [String: String], name: String, sampler: Sampler) {
        let settings = TracingSettings(environment: environment)
        #expect(settings.sampler == sampler)
        #expect(settings.warnings.count == 1 && settings.warnings[0].contains(name))
    }

    @Test(
        "Exporters are otlp, console and none; any other is otlp with a warning",
        arguments: [
            ("otlp", TracingSettings.Exporter.otlp, 0), ("OTLP", .otlp, 0), ("none", .none, 0), ("None", .none, 0),
            ("console", .console, 0), ("zipkin", .otlp, 1), ("otlp,console", .otlp, 1),
        ]
    )
    func exporters(text: String, exporter: TracingSettings.Exporter, warnings: Int) {
        let settings = TracingSettings(environment: ["OTEL_TRACES_EXPORTER": text])
        #expect(settings.exporter == exporter)
        #expect(settings.warnings.count == warnings)
    }

    @Test(
        "Propagators are tracecontext, baggage and none; others are left out with a warning",
        arguments: [
            ("tracecontext,baggage", [.traceContext, .baggage], 0),
            ("tracecontext", [.traceContext], 0), ("Baggage , baggage", [.baggage], 0), ("none", [], 0),
            ("none,", [], 0), ("b3,tracecontext", [.traceContext], 1), ("b3,jaeger", [.traceContext, .baggage], 2),
            ("none,baggage", [.baggage], 1), (",", [.traceContext, .baggage], 0),
        ] as [(String, Propagators, Int)]
    )
    func propagators(text: String, propagators: Propagators, warnings: Int) {
        let settings = TracingSettings(environment: ["OTEL_PROPAGATORS": text, "OTEL_SDK_DISABLED": "true"])
        #expect(settings.propagators == propagators)
        #expect(settings.warnings.count == warnings)
        #expect(settings.warnings.allSatisfy { $0.contains("OTEL_PROPAGATORS") })
    }

    @Test("Limits of one kind of thing go before the general ones, and those before the defaults")
    func limits() {
        var settings = TracingSettings(environment: [
            "OTEL_ATTRIBUTE_COUNT_LIMIT": "10", "OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT": "100",
        ])
        var limits = SpanLimits()
        (limits.attributeCountLimit, limits.attributePerEventCountLimit, limits.attributePerLinkCountLimit) = (
            10, 10, 10
        )
        limits.attributeValueLengthLimit = 100
        #expect(settings.spanLimits == limits)
        settings = TracingSettings(environment: [
            "OTEL_ATTRIBUTE_COUNT_LIMIT": "10", "OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT": "100",
            "OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT": "1", "OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT": "0",
            "OTEL_SPAN_EVENT_COUNT_LIMIT": "2", "OTEL_SPAN_LINK_COUNT_LIMIT": "3",
            "OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT": "4", "OTEL_LINK_ATTRIBUTE_COUNT_LIMIT": "2147483647",
        ])
        (limits.attributeCountLimit, limits.attributePerEventCountLimit, limits.attributePerLinkCountLimit) = (
            1, 4, 2_147_483_647
        )
        (limits.eventCountLimit, limits.linkCountLimit, limits.attributeValueLengthLimit) = (2, 3, 0)
        #expect(settings.spanLimits == limits)
        #expect(settings.warnings.isEmpty)
    }

    @Test(
        "A limit that is no number, or negative, is as good as unset",
        arguments: [
            "OTEL_ATTRIBUTE_COUNT_LIMIT", "OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT", "OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT",
            "OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT", "OTEL_SPAN_EVENT_COUNT_LIMIT", "OTEL_SPAN_LINK_COUNT_LIMIT",
            "OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT", "OTEL_LINK_ATTRIBUTE_COUNT_LIMIT",
        ]
    )
    func unusableLimits(name: String) {
        for text in ["-1", "many", "1.5"] {
            let settings = TracingSettings(environment: [name: text])
            #expect(settings.spanLimits == SpanLimits())
            #expect(settings.warnings.count == 1 && settings.warnings[0].contains(name))
        }
    }

    @Test(
        "Compression is none or gzip, that for traces first",
        arguments: [
            (["OTEL_EXPORTER_OTLP_COMPRESSION": "gzip"], TracingSettings.Compression.gzip, 0),
            (["OTEL_EXPORTER_OTLP_COMPRESSION": "GZIP"], .gzip, 0),
            (["OTEL_EXPORTER_OTLP_COMPRESSION": "gzip", "OTEL_EXPORTER_OTLP_TRACES_COMPRESSION": "none"], .none, 0),
            (["OTEL_EXPORTER_OTLP_COMPRESSION": "zstd"], .none, 1),
            (["OTEL_EXPORTER_OTLP_COMPRESSION": "gzip", "OTEL_EXPORTER_OTLP_TRACES_COMPRESSION": "zip"], .gzip, 1),
        ]
    )
    func compression(environment: [String: String], compression: TracingSettings.Compression, warnings: Int) {
        let settings = TracingSettings(environment: environment)
        #expect(settings.compression == compression)
        #expect(settings.warnings.count == warnings)
    }

    @Test(
        "Protocols are http/protobuf and http/json; grpc is http/protobuf with a hint at its port",
        arguments: [
            ("http/protobuf", TracingSettings.OTLPProtocol.protobuf, nil), ("http/json", .json, nil),
            ("HTTP/JSON", .json, nil), ("grpc", .protobuf, "4318"), ("http", .protobuf, "\"http\" is none of"),
        ]
    )
    func protocols(text: String, expected: TracingSettings.OTLPProtocol, warning: String?) {
        for name in ["OTEL_EXPORTER_OTLP_PROTOCOL", "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL"] {
            let settings = TracingSettings(environment: [name: text])
            #expect(settings.otlpProtocol == expected)
            #expect(settings.warnings.count == (warning == nil ? 0 : 1))
            #expect(settings.warnings.allSatisfy { $0.contains(name) && $0.contains(warning ?? "") })
        }
    }

    @Test("Files of certificates are named by variables, those for traces first")
    func files() {
        let settings = TracingSettings(environment: [
            "OTEL_EXPORTER_OTLP_CERTIFICATE": "/a", "OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE": "/b",
            "OTEL_EXPORTER_OTLP_CLIENT_KEY": "/c", "OTEL_EXPORTER_OTLP_TRACES_CLIENT_CERTIFICATE": "/d",
        ])
        #expect(settings.certificateFile == "/b")
        #expect(settings.clientKeyFile == "/c" && settings.clientCertificateFile == "/d")
        #expect(settings.warnings.isEmpty)
    }

    @Test(
        "A client's key without its certificate is no use, nor the other way round",
        arguments: ["KEY", "CERTIFICATE"]
    )
    func halfOfAPair(kind: String) {
        let settings = TracingSettings(environment: ["OTEL_EXPORTER_OTLP_CLIENT_\(kind)": "/c"])
        #expect(settings.clientKeyFile == nil && settings.clientCertificateFile == nil)
        #expect(settings.warnings.count == 1)
    }

    @Test("A configuration file is not supported, and who names one is told")
    func configurationFile() {
        let settings = TracingSettings(environment: ["OTEL_CONFIG_FILE": "/etc/otel.yaml"])
        #expect(settings.warnings.count == 1 && settings.warnings[0].contains("OTEL_CONFIG_FILE"))
    }

    @Test("A word that is unknown is shown in its warning, but for what could act on a terminal")
    func unknownWords() {
        let long = String(repeating: "x", count: 1000)
        for (text, shown) in [("zipkin", "\"zipkin\""), ("a\u{1B}[2J", "\"a?[2J\""), (long, "…")] {
            let warnings = TracingSettings(environment: ["OTEL_TRACES_EXPORTER": text]).warnings
            #expect(warnings.count == 1 && warnings[0].contains(shown) && warnings[0].utf8.count < 200)
        }
    }

    private static let general = "OTEL_EXPORTER_OTLP_ENDPOINT"
    private static let traces = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"

    @Test(
        "The general endpoint is a base, the one for traces is taken as it is",
        arguments: [
            ([general: "http://127.0.0.1:4318/base/"], "http://127.0.0.1:4318/base/v1/traces"),
            ([general: "http://127.0.0.1:4318/base"], "http://127.0.0.1:4318/base/v1/traces"),
            ([general: "http://127.0.0.1:4318"], "http://127.0.0.1:4318/v1/traces"),
            ([general: "https://collector"], "https://collector/v1/traces"),
            ([general: "HTTP://[::1]:4318"], "HTTP://[::1]:4318/v1/traces"),
            ([general: "http://collector/?a=b"], "http://collector/v1/traces"),
            ([general: "http://one", traces: "http://two/custom"], "http://two/custom"),
            ([traces: "http://two"], "http://two"),
            ([general: "http://one", traces: "two"], "http://one/v1/traces"),
        ]
    )
    func endpoints(environment: [String: String], url: String) {
        #expect(TracingSettings(environment: environment).endpoint == url)
    }

    @Test(
        "An endpoint that is no http URL is warned about, and the default holds",
        arguments: [
            "collector:4318", "localhost", "grpc://collector:4317", "http://", "http:///v1", "http://:4318",
            "http://a b",
            "http://collector:port", "http://collector:99999", "http://[]:x", "ftp://collector",
        ]
    )
    func unusableEndpoints(text: String) {
        let settings = TracingSettings(environment: [Self.general: text])
        #expect(settings.endpoint == "http://localhost:4318/v1/traces")
        #expect(settings.warnings.count == 1 && settings.warnings[0].contains(Self.general))
    }

    @Test("Headers are percent-decoded, and faulty pairs are named by their place alone")
    func headers() {
        let settings = TracingSettings(environment: [
            "OTEL_EXPORTER_OTLP_HEADERS":
                "authorization=Basic%20dTpwPQ%3D%3D, x-a=1=2,bad,=v,k=%zz,x-space=a b ,,x-line=a%0D%0Ab,s p=secret,x=%C3"
        ])
        #expect(
            settings.headers == [
                .init(name: "authorization", value: "Basic dTpwPQ=="), .init(name: "x-a", value: "1=2"),
                .init(name: "x-space", value: "a b"),
            ]
        )
        #expect(settings.warnings.count == 6)
        for (warning, position) in zip(settings.warnings, [3, 4, 5, 8, 9, 10]) {
            #expect(warning.contains("OTEL_EXPORTER_OTLP_HEADERS") && warning.contains("pair \(position) "))
            #expect(["bad", "%zz", "secret", "x-line", "s p"].allSatisfy { !warning.contains($0) })
        }
    }

    @Test("Of two headers with one name the last is sent")
    func repeatedHeaders() {
        let settings = TracingSettings(environment: ["OTEL_EXPORTER_OTLP_HEADERS": "a=1,b=2,A=3"])
        #expect(settings.headers == [.init(name: "b", value: "2"), .init(name: "A", value: "3")])
    }

    @Test("Headers for traces replace the general ones")
    func tracesHeaders() {
        let settings = TracingSettings(environment: [
            "OTEL_EXPORTER_OTLP_HEADERS": "a=1", "OTEL_EXPORTER_OTLP_TRACES_HEADERS": "b=2",
        ])
        #expect(settings.headers == [.init(name: "b", value: "2")])
    }

    @Test(
        "Timeouts are milliseconds, those for traces first, and 0 is no limit",
        arguments: [
            (["OTEL_EXPORTER_OTLP_TIMEOUT": "2500"], Duration.milliseconds(2500)),
            (["OTEL_EXPORTER_OTLP_TIMEOUT": "2500", "OTEL_EXPORTER_OTLP_TRACES_TIMEOUT": "100"], .milliseconds(100)),
            (["OTEL_EXPORTER_OTLP_TIMEOUT": "2500", "OTEL_EXPORTER_OTLP_TRACES_TIMEOUT": "x"], .milliseconds(2500)),
            (["OTEL_EXPORTER_OTLP_TIMEOUT": "0"], .seconds(86_400)),
            (["OTEL_EXPORTER_OTLP_TIMEOUT": "-1"], .seconds(10)),
            (["OTEL_EXPORTER_OTLP_TIMEOUT": "10s"], .seconds(10)),
            (["OTEL_EXPORTER_OTLP_TIMEOUT": "9223372036854775807"], .seconds(86_400)),
        ]
    )
    func timeouts(environment: [String: String], timeout: Duration) {
        #expect(TracingSettings(environment: environment).exportTimeout == timeout)
    }

    @Test("The batch processor's settings are read")
    func batching() {
        let settings = TracingSettings(environment: [
            "OTEL_BSP_SCHEDULE_DELAY": "200", "OTEL_BSP_EXPORT_TIMEOUT": "300", "OTEL_BSP_MAX_QUEUE_SIZE": "4096",
            "OTEL_BSP_MAX_EXPORT_BATCH_SIZE": "1024",
        ])
        #expect(settings.batching.scheduleDelay == .milliseconds(200))
        #expect(settings.batching.exportTimeout == .milliseconds(300))
        #expect(settings.batching.maximumQueueSize == 4096)
        #expect(settings.batching.maximumBatchSize == 1024)
        #expect(settings.warnings.isEmpty)
    }

    @Test(
        "Sizes that are not positive, and a batch larger than the queue, are warned about",
        arguments: [
            (["OTEL_BSP_MAX_QUEUE_SIZE": "0"], 2048, 512, 1),
            (["OTEL_BSP_MAX_QUEUE_SIZE": "-5"], 2048, 512, 1),
            (["OTEL_BSP_MAX_QUEUE_SIZE": "many"], 2048, 512, 1),
            (["OTEL_BSP_MAX_QUEUE_SIZE": "100"], 100, 100, 0),
            (["OTEL_BSP_MAX_EXPORT_BATCH_SIZE": "0"], 2048, 512, 1),
            (["OTEL_BSP_MAX_EXPORT_BATCH_SIZE": "4096"], 2048, 512, 1),
            (["OTEL_BSP_MAX_QUEUE_SIZE": "100", "OTEL_BSP_MAX_EXPORT_BATCH_SIZE": "200"], 100, 100, 1),
        ]
    )
    func unusableSizes(environment: [String: String], queue: Int, batch: Int, warnings: Int) {
        let settings = TracingSettings(environment: environment)
        #expect(settings.batching.maximumQueueSize == queue)
        #expect(settings.batching.maximumBatchSize == batch)
        #expect(settings.warnings.count == warnings)
    }
}

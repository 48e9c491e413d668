import ArgumentParser
import FrameBufferServer

/// Some of the settings as options of `serve`. Their names, help and defaults come from `SettingDefinition`; what they hold is
/// read by `Settings.load`, as from any other source.
protocol SettingOptions: ParsableArguments {
    /// What was given for each setting of the group; nil where it wasn't.
    var values: [SettingDefinition: String?] { get }
}

struct ListeningOptions: SettingOptions {
    @Option(.host) var host: String?
    @Option(.port) var port: String?
    @Option(.stopGrace) var stopGrace: String?

    var values: [SettingDefinition: String?] {
        [.host: host, .port: port, .stopGrace: stopGrace]
    }
}

struct QueueOptions: SettingOptions {
    @Option(.queues) var queues: String?
    @Option(.group) var group: String?
    @Option(.capacityFrames) var capacityFrames: String?
    @Option(.capacityBytes) var capacityBytes: String?
    @Option(.overflow) var overflow: String?
    @Option(.retention) var retention: String?
    @Option(.keepFrames) var keepFrames: String?
    @Option(.maxDeliveries) var maxDeliveries: String?
    @Option(.deduplicationWindow) var deduplicationWindow: String?

    var values: [SettingDefinition: String?] {
        [
            .queues: queues, .group: group, .capacityFrames: capacityFrames, .capacityBytes: capacityBytes,
            .overflow: overflow, .retention: retention, .keepFrames: keepFrames, .maxDeliveries: maxDeliveries,
            .deduplicationWindow: deduplicationWindow,
        ]
    }
}

struct LimitOptions: SettingOptions {
    @Option(.maxBody) var maxBody: String?
    @Option(.maxFields) var maxFields: String?
    @Option(.maxFieldName) var maxFieldName: String?
    @Option(.maxNesting) var maxNesting: String?
    @Option(.maxBatch) var maxBatch: String?
    @Option(.maxPolls) var maxPolls: String?

    var values: [SettingDefinition: String?] {
        [
            .maxBody: maxBody, .maxFields: maxFields, .maxFieldName: maxFieldName, .maxNesting: maxNesting,
            .maxBatch: maxBatch, .maxPolls: maxPolls,
        ]
    }
}

struct RedisOptions: SettingOptions {
    @Option(.redisURL) var redisURL: String?
    @Option(.dataDirectory) var dataDirectory: String?

    var values: [SettingDefinition: String?] {
        [.redisURL: redisURL, .dataDirectory: dataDirectory]
    }
}

struct ObservingOptions: SettingOptions {
    @Option(.traceDequeue) var traceDequeue: String?
    @Option(.logLevel) var logLevel: String?
    @Option(.logFormat) var logFormat: String?

    var values: [SettingDefinition: String?] {
        [.traceDequeue: traceDequeue, .logLevel: logLevel, .logFormat: logFormat]
    }
}

extension Option where Value == String? {
    /// The option of a setting.
    init(_ setting: SettingDefinition) {
        self.init(
            name: .customLong(setting.optionName),
            help: ArgumentHelp(
                "\(setting.why) [\(setting.environmentName)] (default: \(setting.defaultText))",
                valueName: setting.placeholder
            )
        )
    }
}

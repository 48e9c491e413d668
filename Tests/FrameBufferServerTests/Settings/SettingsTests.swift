import FoundationEssentials
import FrameBufferServer
import RedisClient
import Testing

@Suite("Settings")
struct SettingsTests {
    @Test("have their documented defaults when nothing is set")
    func defaults() async throws {
        let settings = try await load()
        #expect(settings == Settings())
        #expect(settings.host == "127.0.0.1")
        #expect(settings.port == 8080)
        #expect(settings.queues == ["frames:queue"])
        #expect(settings.group == "workers")
        #expect(settings.capacityFrames == 10_000)
        #expect(settings.deduplicationWindow == .seconds(120))
        #expect(settings.maxBody == 33_554_432)
        #expect(settings.maxBatch == 1000)
        #expect(settings.stopGrace == .seconds(8))
        #expect(settings.redis == .embedded)
    }

    @Test("come from the command line, then the environment, then the file, then the defaults")
    func order() async throws {
        try await withFile("port: 1\nmax:\n  fields: 1\n  nesting: 1\n") { file in
            let settings = try await load(
                [.port: "3"],
                file: file,
                ["FRAMEBUFFER_PORT": "2", "FRAMEBUFFER_MAX_FIELDS": "2"]
            )
            #expect(settings.port == 3)
            #expect(settings.maxFields == 2)
            #expect(settings.maxNesting == 1)
            #expect(settings.maxPolls == 10_000)
        }
    }

    @Test("can each be given in each source", arguments: SettingDefinition.all)
    func everySource(_ setting: SettingDefinition) async throws {
        let sample = try #require(Self.samples[setting])
        let fromOption = try await load([setting: sample])
        let fromEnvironment = try await load([:], [setting.environmentName: sample])
        let levels = setting.key.split(separator: ".")
        let file = levels.count == 2 ? "\(levels[0]):\n  \(levels[1]): \(sample)\n" : "\(setting.key): \(sample)\n"
        let fromFile = try await withFile(file) { try await load(file: $0) }
        #expect(fromOption != Settings())
        #expect(fromEnvironment == fromOption)
        #expect(fromFile == fromOption)
    }

    static let samples: [SettingDefinition: String] = [
        .host: "0.0.0.0", .port: "0", .stopGrace: "1500ms", .queues: "a,b", .group: "g", .capacityFrames: "5",
        .capacityBytes: "2GiB", .overflow: "drop-oldest", .retention: "stream", .keepFrames: "4", .maxDeliveries: "0",
        .maxBody: "10MB",
        .maxFields: "3", .maxFieldName: "1KiB", .maxNesting: "9", .maxBatch: "8", .maxPolls: "7",
        .deduplicationWindow: "90s", .redisURL: "redis://u:p%40@h/2",
        .dataDirectory: "/data", .traceDequeue: "LINK", .logLevel: "Debug", .logFormat: "json",
    ]

    @Test("take a list of queues from the file, or names with commas between them")
    func lists() async throws {
        let expected = ["frames:queue", "b"]
        #expect(try await load([.queues: " frames:queue , b"]).queues == expected)
        #expect(try await load([:], ["FRAMEBUFFER_QUEUES": "frames:queue,b"]).queues == expected)
        let fromFile = try await withFile("queues:\n  - frames:queue\n  - b\n") { try await load(file: $0) }
        #expect(fromFile.queues == expected)
    }

    @Test("count an empty variable, or an empty value in the file, as not set")
    func empty() async throws {
        let settings = try await withFile("host:\ngroup: g\n") { file in
            try await load(file: file, ["FRAMEBUFFER_HOST": "", "FRAMEBUFFER_GROUP": "", "FRAMEBUFFER_CONFIG": ""])
        }
        #expect(settings.host == "127.0.0.1")
        #expect(settings.group == "g")
    }

    // MARK: - What can't be used

    static let unusable: [(SettingDefinition, [String])] = [
        (.host, ["", "a b", "\u{1}"]), (.port, ["", "x", "-1", "65536", "8080 "]),
        (.stopGrace, ["", "-1s", "1d", "2h", "1.5s"]),
        (.queues, ["", "a,", "a,,b", "a,a", "a b", "{a}"]), (.group, ["", "a\tb"]),
        (.capacityFrames, ["0", "-1", "many"]), (.capacityBytes, ["", "1KiB", "capacity"]),
        (.retention, ["", "queue"]),
        (.keepFrames, ["", "0", "none"]), (.maxDeliveries, ["-1", "five", "1000001"]),
        (.maxBody, ["0", "1TB", "1 MiB", "1GiB", "99999999999999999999"]), (.maxFields, ["0"]), (.maxFieldName, ["1"]),
        (.maxNesting, ["0", "1001"]), (.maxBatch, ["0", "10001"]), (.maxPolls, ["0"]),
        (.deduplicationWindow, ["", "0", "999ms", "25h"]), (.dataDirectory, ["", "a\0b"]),
        (.traceDequeue, ["", "child"]),
        (.logLevel, ["loud", ""]), (.logFormat, ["xml"]),
        (.redisURL, ["", "Embedded", "http://h", "redis://h/x", "rediss://h"]),
    ]

    @Test("refuse an unusable value and name the option, exit code 64", arguments: unusable)
    func unusableOption(_ setting: SettingDefinition, _ values: [String]) async {
        for value in values {
            let error = await error { try await load([setting: value]) }
            #expect(error?.problems.count == 1, "\(value)")
            #expect(error?.exitCode == 64)
            #expect(error?.description.hasPrefix("--\(setting.optionName) ") == true)
        }
    }

    @Test("refuse an unusable value of the environment, or of the file, and name it, exit code 78")
    func unusableElsewhere() async throws {
        let environment = await error { try await load([:], ["FRAMEBUFFER_PORT": "x", "LOG_LEVEL": "loud"]) }
        #expect(environment?.exitCode == 78)
        #expect(
            environment?.description == """
                FRAMEBUFFER_PORT in the environment (x) is not a number from 0 to 65535
                LOG_LEVEL in the environment (loud) is not one of trace, debug, info, notice, warning, error, critical
                """
        )
        try await withFile("max:\n  body: much\n") { file in
            let error = await error { try await load(file: file) }
            #expect(error?.exitCode == 78)
            #expect(error?.description.hasPrefix("max.body in \(file) (much) is not a size") == true)
        }
    }

    @Test("refuse a list where the file must give one value")
    func listForValue() async throws {
        try await withFile("port: [1, 2]\n") { file in
            let error = await error { try await load(file: file) }
            #expect(error?.description == "port in \(file) has no single value")
        }
    }

    @Test("tell of everything that is wrong at once, 64 if the command line has a share in it")
    func severalProblems() async {
        let error = await error {
            try await load([.port: "x"], ["FRAMEBUFFER_GROUP": "a b", "FRAMEBUFFER_GROUPS": "a"])
        }
        #expect(error?.problems.count == 3)
        #expect(error?.exitCode == 64)
    }

    @Test("repeat no secret in a message")
    func secrets() async throws {
        for url in ["redis://u:SECRET@h/x", "SECRET", "rediss://:SECRET@h", "redis://u:SECRET"] {
            let option = await error { try await load([.redisURL: url]) }
            let variable = await error { try await load([:], ["REDIS_URL": url]) }
            let file = try await withFile("redis:\n  url: \(url)\n") { file in
                await error { try await load(file: file) }
            }
            let broken = try await withFile("redis:\n  url: \"\(url)\n") { file in
                await error { try await load(file: file) }
            }
            for error in [option, variable, file, broken] {
                #expect(error != nil)
                #expect(error?.description.contains("SECRET") == false)
            }
        }
        let settings = try await load([.redisURL: "redis://u:SECRET@h"])
        #expect(!"\(settings) \(String(reflecting: settings))".contains("SECRET"))
    }
}

// MARK: - Tools of the tests

/// Settings without what the process or its folder have.
func load(
    _ options: [SettingDefinition: String] = [:],
    file: String? = nil,
    _ environment: [String: String] = [:]
) async throws -> Settings {
    try await Settings.load(commandLine: options, file: file, environment: environment)
}

func error(of body: () async throws -> Settings) async -> SettingsError? {
    await #expect(throws: SettingsError.self) { try await body() }
}

/// Gives `body` the path of a new file with this text.
func withFile<Result>(_ text: String, _ body: (String) async throws -> Result) async throws -> Result {
    let path = "\(FileManager.default.temporaryDirectory.path())framebuffer-\(UInt64.random(in: 0 ... .max)).yaml"
    try Data(text.utf8).write(to: URL(filePath: path))
    defer { try? FileManager.default.removeItem(atPath: path) }
    return try await body(path)
}

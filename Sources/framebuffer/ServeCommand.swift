import ArgumentParser
import FoundationEssentials
import FrameBufferServer
import Logging

/// Runs the service until it is told to stop.
struct ServeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve",
        abstract: "Run the service until SIGTERM or SIGINT.",
        discussion: """
            A setting is taken from the command line, else from the environment variable in brackets, else from the settings \
            file (config/framebuffer.yaml where it exists), else it has its default. Traces are set up by the OTEL_* variables.

            Exit codes: 0 stopped, 64 the command line can't be used, 78 the environment or the settings file can't be used, \
            69 the service can't run.
            """
    )

    @Option(help: ArgumentHelp("The settings file. [\(Settings.fileVariable)]", valueName: "FILE"))
    var config: String?

    @OptionGroup(title: "Listening and stopping") var listening: ListeningOptions
    @OptionGroup(title: "The queue") var queue: QueueOptions
    @OptionGroup(title: "Limits") var limits: LimitOptions
    @OptionGroup(title: "Redis") var redis: RedisOptions
    @OptionGroup(title: "Traces and logs") var observing: ObservingOptions

    /// The options that were given, as they were written.
    var values: [SettingDefinition: String] {
        let groups: [any SettingOptions] = [listening, queue, limits, redis, observing]
        return groups.reduce(into: [:]) { $0.merge($1.values.compactMapValues(\.self)) { $1 } }
    }

    func run() async throws {
        let environment = ProcessInfo.processInfo.environment
        let settings: Settings
        do {
            settings = try await Settings.load(commandLine: values, file: config, environment: environment)
        } catch {
            throw Failure(error.description, exitCode: error.exitCode)
        }
        LoggingSystem.bootstrap { label in
            StandardErrorLogHandler(label: label, level: settings.logLevel, format: settings.logFormat)
        }
        let service = FrameBufferService(
            settings: settings,
            environment: environment,
            logger: Logger(label: "framebuffer")
        )
        do {
            try await service.run()
        } catch {
            throw Failure("\(error)", exitCode: Failure.unavailable)
        }
    }
}

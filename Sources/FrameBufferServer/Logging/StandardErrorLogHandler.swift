import Glibc
package import Logging
import Synchronization

/// Writes the log to standard error, one line an event: text for people, or JSON for machines.
package struct StandardErrorLogHandler: LogHandler {
    package var logLevel: Logger.Level
    package var metadata: Logger.Metadata = [:]
    package var metadataProvider: Logger.MetadataProvider?

    private let label: String
    private let format: Settings.LogFormat
    private let now: @Sendable () -> LogTimestamp
    private let write: @Sendable (String) -> Void

    /// - Parameters:
    ///   - label: the logger's name; JSON lines have it.
    ///   - level: the least that is written.
    package init(
        label: String,
        level: Logger.Level,
        format: Settings.LogFormat,
        metadataProvider: Logger.MetadataProvider? = nil
    ) {
        self.init(
            label: label,
            level: level,
            format: format,
            metadataProvider: metadataProvider,
            now: { .now },
            write: Self.writeToStandardError
        )
    }

    init(
        label: String,
        level: Logger.Level,
        format: Settings.LogFormat,
        metadataProvider: Logger.MetadataProvider?,
        now: @escaping @Sendable () -> LogTimestamp,
        write: @escaping @Sendable (String) -> Void
    ) {
        self.label = label
        self.logLevel = level
        self.format = format
        self.metadataProvider = metadataProvider
        self.now = now
        self.write = write
    }

    package subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    package func log(event: LogEvent) {
        var all = metadata
        if let provided = metadataProvider?.get() { all.merge(provided) { $1 } }
        if let own = event.metadata { all.merge(own) { $1 } }
        if let error = event.error { all["error"] = .string("\(error)") }
        let line = LogLine(
            timestamp: now(),
            level: event.level,
            label: label,
            message: event.message.description,
            metadata: all
        )
        write(format == .json ? line.json : line.text)
    }

    /// Held while a line is written, since a long one may need several calls.
    private static let lock = Mutex(())

    private static func writeToStandardError(_ line: String) {
        var line = line
        line.withUTF8 { bytes in
            lock.withLock { _ in
                var rest = UnsafeRawBufferPointer(bytes)
                while !rest.isEmpty {
                    let written = Glibc.write(STDERR_FILENO, rest.baseAddress, rest.count)
                    if written < 0 && errno == EINTR { continue }
                    // There is nowhere to say that the log can't be written.
                    guard written > 0 else { return }
                    rest = UnsafeRawBufferPointer(rebasing: rest[written...])
                }
            }
        }
    }
}

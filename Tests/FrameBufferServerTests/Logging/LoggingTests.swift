import FoundationEssentials
import Logging
import Synchronization
import Testing

@testable import FrameBufferServer

@Suite("The log")
struct LoggingTests {
    /// A logger that writes into `lines`, at half past nine on the first of March 2026.
    private static func logger(
        _ format: Settings.LogFormat,
        level: Logger.Level = .info,
        provider: Logger.MetadataProvider? = nil,
        to lines: Lines
    ) -> Logger {
        Logger(label: "test") { label in
            StandardErrorLogHandler(
                label: label,
                level: level,
                format: format,
                metadataProvider: provider,
                now: { LogTimestamp(milliseconds: 1_772_357_400_250) },
                write: { lines.append($0) }
            )
        }
    }

    @Test("is lines of time, level, message and sorted pairs for people")
    func text() {
        let lines = Lines()
        var logger = Self.logger(.text, to: lines)
        logger[metadataKey: "queue"] = "frames:queue"
        logger.warning("Redis is away", metadata: ["attempt": "3", "a reason": "connection \"refused\"", "none": ""])
        logger.critical("x")
        #expect(
            lines.all == [
                """
                2026-03-01T09:30:00.250Z warning  Redis is away  a reason="connection \\"refused\\"" attempt=3 none="" \
                queue=frames:queue

                """,
                "2026-03-01T09:30:00.250Z critical x  queue=frames:queue\n",
            ]
        )
    }

    @Test("is one JSON object a line for machines")
    func json() throws {
        let lines = Lines()
        let logger = Self.logger(.json, to: lines)
        logger.error(
            "a \"b\"\\\u{7}",
            metadata: ["n": .stringConvertible(1), "l": ["x", "y"], "d": ["k": "v"], "level": "own", "é": "ü"]
        )
        #expect(
            lines.all == [
                #"{"time":"2026-03-01T09:30:00.250Z","level":"error","logger":"test","message":"a \"b\"\\\u0007","#
                    + #""d":{"k":"v"},"l":["x","y"],"level_":"own","n":"1","é":"ü"}"# + "\n"
            ]
        )
    }

    @Test(
        "is one line an event whatever is in the texts, and its JSON decodes to them",
        arguments: Settings.LogFormat.allCases
    )
    func oneLine(_ format: Settings.LogFormat) throws {
        let nasty = String(String.UnicodeScalarView((0...0xFF).compactMap(Unicode.Scalar.init))) + "\u{2028}😀"
        let lines = Lines()
        Self.logger(format, to: lines).info("\(nasty)", metadata: ["value": "\(nasty)"])
        let line = try #require(lines.all.first)
        #expect(line.utf8.filter { $0 < 0x20 } == [0x0A])
        if format == .json {
            let object = try JSONDecoder().decode([String: String].self, from: Data(line.utf8))
            #expect(object["message"] == nasty)
            #expect(object["value"] == nasty)
        }
    }

    @Test("leaves out what is below its level")
    func level() {
        let lines = Lines()
        let logger = Self.logger(.text, level: .warning, to: lines)
        logger.info("no")
        logger.warning("yes")
        #expect(lines.all.count == 1)
    }

    @Test("prefers an event's pairs to the provider's, and these to the logger's")
    func metadata() {
        let lines = Lines()
        let provider = Logger.MetadataProvider { ["a": "provider", "b": "provider"] }
        var logger = Self.logger(.text, provider: provider, to: lines)
        logger[metadataKey: "a"] = "logger"
        logger[metadataKey: "c"] = "logger"
        logger.info("x", metadata: ["b": "event"])
        #expect(lines.all.first?.hasSuffix("x  a=provider b=event c=logger\n") == true)
    }

    static let moments: [(Int64, String)] = [
        (0, "1970-01-01T00:00:00.000Z"), (-1, "1969-12-31T23:59:59.999Z"),
        (951_782_400_000, "2000-02-29T00:00:00.000Z"),
        (951_868_799_999, "2000-02-29T23:59:59.999Z"), (951_868_800_000, "2000-03-01T00:00:00.000Z"),
        (1_709_164_800_000, "2024-02-29T00:00:00.000Z"), (1_735_689_599_000, "2024-12-31T23:59:59.000Z"),
        (4_107_542_400_000, "2100-03-01T00:00:00.000Z"), (253_402_300_799_999, "9999-12-31T23:59:59.999Z"),
    ]

    @Test("has the time in UTC, leap days included", arguments: moments)
    func timestamp(_ milliseconds: Int64, _ text: String) {
        #expect(LogTimestamp(milliseconds: milliseconds).description == text)
    }
}

/// What was logged.
final class Lines: Sendable {
    private let lines = Mutex<[String]>([])

    var all: [String] { lines.withLock(\.self) }

    func append(_ line: String) {
        lines.withLock { $0.append(line) }
    }
}

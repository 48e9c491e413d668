import ArgumentParser
import FoundationEssentials
import FrameBufferClient

/// Lists dead letters.
struct DeadLettersCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "dead-letters",
        abstract: "List the frames that were given up on, the oldest first.",
        discussion: """
            A line for each: message id, frame id, camera, when, deliveries, trace id, reason. 'framebuffer redrive' puts them \
            back into the queue by their message ids.

            Exit codes: 0 also when there are none, 69 the service is away, 1 it refuses the id.
            """
    )

    @Option(help: ArgumentHelp("Begin behind this message id. (default: the first)", valueName: "ID"))
    var after: String?

    @Option(
        name: .shortAndLong,
        help: ArgumentHelp("How many to list at most. (default: no limit)", valueName: "NUMBER")
    )
    var count: Int?

    @Flag(help: "Print each as a JSON object.")
    var json = false

    @OptionGroup var service: ClientOptions

    func validate() throws {
        if let count, count < 1 { throw ValidationError("--count must be at least 1.") }
    }

    func run() async throws {
        let client = try service.client
        var after = after
        var remaining = count ?? .max
        repeat {
            let page: DeadLetterPage
            do {
                page = try await client.deadLetters(after: after, count: min(remaining, 1000))
            } catch let error as FrameBufferError {
                throw error.failure
            }
            for letter in page.letters { try Console.write(json ? letter.json : letter.line) }
            remaining -= page.letters.count
            after = page.next
        } while after != nil && remaining > 0
    }
}

extension DeadLetter {
    fileprivate var line: String {
        [messageID, frameID, cameraID, diedAt, String(deliveries), traceID, reason].map { $0 ?? "-" }
            .joined(separator: " ")
    }

    fileprivate var json: String {
        get throws {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
            return String(decoding: try encoder.encode(self), as: UTF8.self)
        }
    }
}

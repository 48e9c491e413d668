import ArgumentParser
import FrameBufferClient

/// Prints frames as they come, and takes none.
struct TailCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tail",
        abstract: "Print frames as they come, and take none.",
        discussion: """
            A line for each: frame id, camera, message id, trace id. It goes on until interrupted, also while the service is away.

            Exit codes: 0, or 69 if the service refuses.
            """
    )

    @Option(
        help: ArgumentHelp(
            "Begin behind this message id; 0 is all there is. (default: what comes now)",
            valueName: "ID"
        )
    )
    var after = "$"

    @Option(
        name: .shortAndLong,
        help: ArgumentHelp("How many frames to print at most. (default: no limit)", valueName: "NUMBER")
    )
    var count: Int?

    @OptionGroup var service: ClientOptions

    func validate() throws {
        if let count, count < 1 { throw ValidationError("--count must be at least 1.") }
    }

    func run() async throws {
        let client = try service.client
        var after = after
        var remaining = count ?? .max
        while remaining > 0 {
            do {
                let tail = try await client.tail(after: after, wait: .seconds(30))
                for frame in tail.frames.prefix(remaining) {
                    let words = [frame.frameID, frame.cameraID, frame.messageID, frame.traceID]
                    try Console.write(words.map { $0 ?? "-" }.joined(separator: " "))
                }
                remaining -= tail.frames.count
                after = tail.next
            } catch let error as FrameBufferError {
                guard error.isPassing else { throw error.failure }
                Console.note(error.description)
                try await Task.sleep(for: error.retryAfter ?? .seconds(1))
            }
        }
    }
}

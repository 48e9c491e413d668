import ArgumentParser
import FoundationEssentials
import FrameBufferClient
import FrameBufferServer
import NIOCore

/// Takes frames out of the queue.
struct DequeueCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "dequeue",
        abstract: "Take frames out of the queue.",
        discussion: """
            With --output, each payload becomes a file, numbered in the order received, and a line is printed for it: frame id, \
            message id, trace id, file. Without, each frame is printed as the service's JSON reply, one a line.

            Exit codes: 0 also when nothing was waiting, 69 the service is away, 73 the directory can't be written.
            """
    )

    @Option(
        name: .shortAndLong,
        help: ArgumentHelp("The directory to write payloads to; made where it is missing.", valueName: "DIRECTORY"),
        completion: .directory
    )
    var output: String?

    @Option(
        name: .shortAndLong,
        help: ArgumentHelp("How many frames to take at most. (default: 1, with --follow no limit)", valueName: "NUMBER")
    )
    var count: Int?

    @Option(
        help: ArgumentHelp("How long to wait for each frame, up to 60s. (default: 1s)", valueName: "DURATION"),
        transform: duration
    )
    var wait: Duration = .seconds(1)

    @Flag(name: .shortAndLong, help: "Go on when nothing is waiting or the service is away, until interrupted.")
    var follow = false

    @OptionGroup var service: ClientOptions

    func validate() throws {
        if let count, count < 1 { throw ValidationError("--count must be at least 1.") }
        if wait > .seconds(60) { throw ValidationError("--wait can be up to 60s.") }
    }

    func run() async throws {
        let client = try service.client
        // A frame is out of the queue once it is here, so what could hinder its writing is found out before.
        let directory = try output.map { path throws(Failure) in try FrameDirectory(path: path) }
        var remaining = count ?? (follow ? .max : 1)
        while remaining > 0 {
            do {
                if try await take(from: client, to: directory) {
                    remaining -= 1
                } else if !follow {
                    return
                }
            } catch let error as FrameBufferError {
                guard follow, error.isPassing else { throw error.failure }
                Console.note(error.description)
                try await Task.sleep(for: error.retryAfter ?? .seconds(1))
            }
        }
    }

    /// Takes one frame and says so; false where none came.
    private func take(from client: FrameBufferClient, to directory: FrameDirectory?) async throws -> Bool {
        guard let directory else {
            guard let json = try await client.dequeueJSON(wait: wait) else { return false }
            Console.write(String(buffer: json))
            return true
        }
        guard let frame = try await client.dequeue(wait: wait) else { return false }
        let file = try directory.write(frame)
        Console.write("\(frame.frameID) \(frame.messageID) \(frame.traceID ?? "-") \(file)")
        return true
    }
}

/// Reads a duration of the command line.
@Sendable func duration(_ text: String) throws -> Duration {
    guard let duration = Duration(unitText: text) else {
        throw ValidationError("'\(text)' is not a duration such as 250ms, 1s, 2m or 1h; a bare number is seconds.")
    }
    return duration
}

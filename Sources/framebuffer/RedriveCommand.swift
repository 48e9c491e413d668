import ArgumentParser
import FrameBufferClient

/// Puts dead letters back into the queue.
struct RedriveCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "redrive",
        abstract: "Put frames that were given up on back into the queue, at its tail.",
        discussion: """
            Prints how many were, and how many are dead still.

            Exit codes: 0 all that were asked for, 69 the service is away or the queue is full, 1 some are no dead letters any \
            more, or there was no room for them.
            """
    )

    @Argument(help: ArgumentHelp("Message ids, as 'framebuffer dead-letters' lists them first.", valueName: "ID"))
    var ids: [String] = []

    @Flag(help: "All there are.")
    var all = false

    @OptionGroup var service: ClientOptions

    func validate() throws {
        guard ids.isEmpty == all else {
            throw ValidationError("Say which: either message ids, or --all for all there are.")
        }
    }

    func run() async throws {
        let client = try service.client
        var redriven = 0
        let left: Int
        do {
            if all { redriven = try await client.redrive(.all) }
            // As many as one request may name.
            for start in stride(from: 0, to: ids.count, by: 1000) {
                redriven += try await client.redrive(.only(Array(ids[start..<min(start + 1000, ids.count)])))
            }
            left = try await client.queueSize().dead
        } catch let error as FrameBufferError {
            throw error.failure
        }
        try Console.write("\(redriven) redriven, \(left) dead")
        if redriven < Set(ids).count { throw ExitCode(Failure.general) }
    }
}

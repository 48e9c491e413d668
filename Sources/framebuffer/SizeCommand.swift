import ArgumentParser
import FoundationEssentials
import FrameBufferClient

/// Says how full the queue is.
struct SizeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "size",
        abstract: "Print how many frames are waiting, leased and dead.",
        discussion: "Exit codes: 0, or 69 if the service is away."
    )

    @Flag(help: "Print one JSON object.")
    var json = false

    @OptionGroup var service: ClientOptions

    func run() async throws {
        let client = try service.client
        let size: QueueSize
        do {
            size = try await client.queueSize()
        } catch let error as FrameBufferError {
            throw error.failure
        }
        if json {
            let encoder = JSONEncoder()
            encoder.outputFormatting = .sortedKeys
            try Console.write(String(decoding: try encoder.encode(size), as: UTF8.self))
        } else {
            try Console.write(
                "\(size.queue): \(size.waiting) waiting, \(size.leased) leased, \(size.dead) dead, room for \(size.capacity)"
            )
        }
    }
}

import ArgumentParser
import FoundationEssentials
import FrameBufferClient
import FrameBufferServer
import Glibc
import NIOCore

/// Takes frames out of the queue.
struct DequeueCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "dequeue",
        abstract: "Take frames out of the queue.",
        discussion: """
            With --output, each payload becomes a file, numbered in the order received, and a line is printed for it: frame id, \
            message id, trace id, file. Without, each frame is printed as the service's JSON reply, one a line.

            With --lease and --ack a frame leaves the queue only when it has been written, so that a kill or a full disk loses \
            none: what was not acknowledged comes again. With --lease alone, the line has the receipt before the file, the JSON \
            reply has it anyway, and whoever reads it settles the frame: POST /ack, /nack, /extend or /reject. What can't \
            be written is handed back at once.

            Exit codes: 0 also when nothing was waiting, 69 the service is away, 73 the directory or the output can't be written, \
            75 a lease had ended before its frame was acknowledged: it is written, and comes again.
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

    @Option(
        help: ArgumentHelp(
            "Take each frame under a lease of this length, 1s to 1h. (default: it is settled once it is here)",
            valueName: "DURATION"
        ),
        transform: duration
    )
    var lease: Duration?

    @Flag(help: "Acknowledge each leased frame once it is written.")
    var ack = false

    @Option(
        help: ArgumentHelp(
            "Who holds the leases, for those who look at the queue. (default: host name and process id)",
            valueName: "NAME"
        )
    )
    var consumer: String?

    @Flag(name: .shortAndLong, help: "Go on when nothing is waiting or the service is away, until interrupted.")
    var follow = false

    @OptionGroup var service: ClientOptions

    func validate() throws {
        if let count, count < 1 { throw ValidationError("--count must be at least 1.") }
        if wait > .seconds(60) { throw ValidationError("--wait can be up to 60s.") }
        if let lease, !(.seconds(1) ... .seconds(3600)).contains(lease) {
            throw ValidationError("--lease can be 1s to 1h.")
        }
        if lease == nil, ack || consumer != nil {
            throw ValidationError("\(ack ? "--ack" : "--consumer") goes with --lease.")
        }
    }

    /// A frame that is here.
    private struct Taken {
        let frame: DequeuedFrame
        /// Nil where it is settled.
        var receipt: String?

        /// For people.
        var name: String { "the frame \(frame.frameID ?? "-") (message \(frame.messageID))" }
    }

    func run() async throws {
        let client = try service.client
        // Without a lease a frame is out of the queue once it is here, so what could hinder its writing is found out before.
        let directory = try output.map { path throws(Failure) in try FrameDirectory(path: path) }
        var remaining = count ?? (follow ? .max : 1)
        var isLate = false
        while remaining > 0 {
            do {
                if let taken = try await take(from: client) {
                    remaining -= 1
                    let end = ContinuousClock.now + (lease ?? .zero)
                    try await put(taken, into: directory, client)
                    if ack, try await !acknowledge(taken, with: client, until: end) { isLate = true }
                } else if !follow {
                    break
                }
            } catch let error as FrameBufferError {
                guard follow, error.isPassing else { throw error.failure }
                Console.note(error.description)
                try await Task.sleep(for: error.retryAfter ?? .seconds(1))
            }
        }
        if isLate { throw ExitCode(Failure.tryAgain) }
    }

    /// Takes one frame; nil where none came.
    private func take(from client: FrameBufferClient) async throws -> Taken? {
        let form: DequeuedFrame.Form = output == nil ? .fields : .payload
        guard let lease else { return try await client.dequeue(wait: wait, as: form).map { Taken(frame: $0) } }
        let consumer = consumer ?? Self.hostAndProcess
        return try await client.dequeue(wait: wait, lease: lease, consumer: consumer, as: form).map {
            Taken(frame: $0.frame, receipt: $0.receipt)
        }
    }

    /// What an operator finds the process by.
    private static var hostAndProcess: String {
        var name = [CChar](repeating: 0, count: 256)
        let isKnown = gethostname(&name, name.count - 1) == 0
        let host = String(decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        return "\(isKnown && !host.isEmpty ? host : "framebuffer") pid \(getpid())"
    }

    /// Writes a frame, or says what becomes of one that can't be written.
    private func put(_ taken: Taken, into directory: FrameDirectory?, _ client: FrameBufferClient) async throws {
        let frame = taken.frame
        var file: String?
        do throws(Failure) {
            if let directory {
                let path = try directory.write(frame, durably: ack)
                file = path
                let words = [frame.frameID, frame.messageID, frame.traceID].map { $0 ?? "-" }
                let receipt = ack ? [] : [taken.receipt].compactMap(\.self)
                try Console.write((words + receipt + [path]).joined(separator: " "))
            } else if case .fields(let json) = frame.content {
                try Console.write(String(buffer: json))
            }
        } catch {
            let fate =
                if let receipt = taken.receipt {
                    await handBack(receipt, error.message, to: client)
                } else if let file {
                    "is taken, and in \(file)"
                } else {
                    "is taken and lost"
                }
            throw Failure("\(error.message): \(taken.name) \(fate)", exitCode: error.exitCode)
        }
    }

    /// Hands a frame back that could not be written; returns what becomes of it.
    private func handBack(_ receipt: String, _ reason: String, to client: FrameBufferClient) async -> String {
        do {
            try await client.nack([receipt], reason: reason)
            return "is handed back"
        } catch {
            return "comes again when its lease has ended"
        }
    }

    /// Acknowledges a frame, and tries again while the service is away; false, and it is said, where its lease had ended and it
    /// is not ours any more.
    private func acknowledge(
        _ taken: Taken,
        with client: FrameBufferClient,
        until end: ContinuousClock.Instant
    ) async throws -> Bool {
        guard let receipt = taken.receipt else { return true }
        while true {
            do {
                let isInTime = try await client.ack([receipt]).stale.isEmpty
                if !isInTime { Console.note("\(taken.name) is written, but its lease had ended: it comes again") }
                return isInTime
            } catch let error as FrameBufferError {
                // It may have had its effect: asking again is harmless.
                guard error.isPassing, ContinuousClock.now < end else {
                    Console.note("\(taken.name) is written, but not acknowledged: it comes again")
                    throw error
                }
                try await Task.sleep(for: error.retryAfter ?? .seconds(1))
            }
        }
    }
}

/// Reads a duration of the command line.
@Sendable func duration(_ text: String) throws -> Duration {
    guard let duration = Duration(unitText: text) else {
        throw ValidationError("'\(text)' is not a duration such as 250ms, 1s, 2m or 1h; a bare number is seconds.")
    }
    return duration
}

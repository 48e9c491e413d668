import ArgumentParser
import FoundationEssentials
import FrameBufferClient
import FrameBufferServer
import NIOCore

/// Puts files into the queue.
struct EnqueueCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "enqueue",
        abstract: "Put files into the queue, one frame each, in the order given.",
        discussion: """
            Prints a line for each frame: frame id, message id, trace id. A .json file is a frame by itself; any other is the \
            payload of one, its media type by the file's extension. While the queue is full or Redis away, it tries again as \
            the service asks it to, under a key by which it comes only once.

            Exit codes: 0 all are in the queue, 66 a file can't be read, 69 the service is away or stays full, 1 it refused a frame.
            """
    )

    @Argument(help: ArgumentHelp("The files.", valueName: "FILE"), completion: .file())
    var files: [String]

    @Option(help: ArgumentHelp("The camera of all frames that aren't JSON.", valueName: "NAME"))
    var camera: String?

    @Option(
        help: ArgumentHelp("The media type of all files, whatever their extensions say.", valueName: "TYPE")
    )
    var contentType: String?

    @Option(
        help: ArgumentHelp("How long to go on trying a frame. (default: 60s)", valueName: "DURATION"),
        transform: duration
    )
    var patience: Duration = .seconds(60)

    @OptionGroup var service: ClientOptions

    func run() async throws {
        let client = try service.client
        var failure: Failure?
        for file in files {
            do throws(Failure) {
                let frame = try await enqueue(file, with: client)
                try Console.write("\(frame.frameID) \(frame.messageID) \(frame.traceID ?? "-")")
            } catch {
                // A frame that is refused stands in no other's way; a service that is away does.
                let failed = Failure("\(file): \(error.message)", exitCode: error.exitCode)
                guard error.exitCode != Failure.unavailable else { throw failed }
                Console.note(failed.message)
                failure = failure ?? failed
            }
        }
        if let failure { throw ExitCode(failure.exitCode) }
    }

    private func enqueue(_ file: String, with client: FrameBufferClient) async throws(Failure) -> EnqueuedFrame {
        let data: Data
        do {
            data = try Data(contentsOf: URL(filePath: file))
        } catch {
            throw Failure("can't be read", exitCode: Failure.unreadableInput)
        }
        let type = contentType ?? MediaType.ofFile(named: file)
        // A frame that may be in the queue already would be in it twice.
        let key = "\(UInt64.random(in: .min ... .max))-\(UInt64.random(in: .min ... .max))"
        let clock = ContinuousClock()
        var end = clock.now + patience
        while true {
            do {
                return try await client.enqueue(
                    data: ByteBuffer(bytes: data),
                    contentType: type,
                    cameraID: camera,
                    idempotencyKey: key
                )
            } catch let error as FrameBufferError {
                guard error.status != nil, error.isPassing else { throw error.failure }
                // Keys are known for two minutes.
                if error.isOutcomeUnknown { end = min(end, clock.now + .seconds(90)) }
                let pause = error.retryAfter ?? .seconds(1)
                guard clock.now + pause < end else { throw error.failure }
                try? await Task.sleep(for: pause)
            } catch {
                throw Failure("\(error)", exitCode: Failure.general)
            }
        }
    }
}

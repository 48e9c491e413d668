import ArgumentParser
import Glibc

/// The command line of Frame Buffer.
@main
struct FrameBufferCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "framebuffer",
        abstract: "A queue for camera frames over HTTP, kept in Redis, with a trace for every frame.",
        discussion: """
            Start the service with 'framebuffer serve', then try it from another terminal:

              framebuffer enqueue picture.jpg --camera cam01
              framebuffer size
              framebuffer dequeue --output frames
            """,
        subcommands: [
            ServeCommand.self, EnqueueCommand.self, DequeueCommand.self, TailCommand.self, SizeCommand.self,
            DeadLettersCommand.self, RedriveCommand.self, BenchCommand.self,
        ]
    )

    static func main() async {
        do {
            var command = try parseAsRoot()
            if var command = command as? any AsyncParsableCommand {
                try await command.run()
            } else {
                try command.run()
            }
        } catch let failure as Failure {
            Console.note(failure.message)
            Glibc.exit(failure.exitCode)
        } catch {
            exit(withError: error)
        }
    }
}

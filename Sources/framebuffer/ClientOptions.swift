import ArgumentParser
import FoundationEssentials
import FrameBufferClient

/// Which service the client commands talk to.
struct ClientOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp("The service. [FRAMEBUFFER_URL] (default: http://127.0.0.1:8080)", valueName: "URL")
    )
    var url: String?

    var client: FrameBufferClient {
        get throws {
            let given = url ?? ProcessInfo.processInfo.environment["FRAMEBUFFER_URL"].flatMap { $0.isEmpty ? nil : $0 }
            guard let text = given else { return FrameBufferClient() }
            guard let url = URL(string: text), ["http", "https"].contains(url.scheme), url.host() != nil else {
                let place = self.url == nil ? "FRAMEBUFFER_URL in the environment" : "--url"
                throw Failure(
                    "\(place) is not the URL of a service, such as http://127.0.0.1:8080",
                    exitCode: self.url == nil ? Failure.unusableEnvironment : Failure.usage
                )
            }
            return FrameBufferClient(url: text)
        }
    }
}

extension FrameBufferError {
    /// Whether the service is away or takes nothing now, so that another try may succeed.
    var isPassing: Bool { code == .unreachable || status == 503 || status == 429 }

    /// The end of a command that this error stopped.
    var failure: Failure {
        Failure(description, exitCode: isPassing ? Failure.unavailable : Failure.general)
    }
}

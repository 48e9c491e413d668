import FrameBufferServer
import Testing

@Suite("Variables that begin with FRAMEBUFFER_")
struct UnknownSettingsTests {
    static let misspelt = [
        ("FRAMEBUFFER_PROT", "FRAMEBUFFER_PORT"), ("FRAMEBUFFER_CAPACITY_FRAME", "FRAMEBUFFER_CAPACITY_FRAMES"),
        ("FRAMEBUFFER_MAXBODY", "FRAMEBUFFER_MAX_BODY"),
    ]

    @Test("are refused where they are misspelt, with a guess", arguments: misspelt)
    func guesses(_ name: String, _ meant: String) async {
        let error = await error { try await load([:], [name: "1"]) }
        #expect(
            error?.description == "\(name) in the environment is no setting of this version; did you mean \(meant)?"
        )
        #expect(error?.exitCode == 78)
    }

    @Test(
        "are refused where they are anything else",
        arguments: ["FRAMEBUFFER_", "FRAMEBUFFER_TOTALLY_ELSE", "FRAMEBUFFER_PORT_X"]
    )
    func refuses(_ name: String) async {
        let error = await error { try await load([:], [name: "1"]) }
        #expect(error?.problems.map(\.name) == [name])
    }

    @Test("are let pass where the client commands read them, and where they are another program's")
    func others() async throws {
        #expect(try await load([:], ["FRAMEBUFFER_URL": "http://h", "FRAMEBUFFERX": "1", "PORT": "1"]) == Settings())
    }

    static let kubernetes = [
        "FRAMEBUFFER_SERVICE_HOST": "10.0.0.1", "FRAMEBUFFER_SERVICE_PORT": "8080",
        "FRAMEBUFFER_SERVICE_PORT_HTTP": "8080",
        "FRAMEBUFFER_PORT": "tcp://10.0.0.1:8080", "FRAMEBUFFER_PORT_8080_TCP": "tcp://10.0.0.1:8080",
        "FRAMEBUFFER_PORT_8080_TCP_PROTO": "tcp", "FRAMEBUFFER_PORT_8080_TCP_PORT": "8080",
        "FRAMEBUFFER_PORT_8080_TCP_ADDR": "10.0.0.1", "FRAMEBUFFER_REDIS_SERVICE_HOST": "10.0.0.2",
        "FRAMEBUFFER_REDIS_PORT": "tcp://10.0.0.2:6379", "FRAMEBUFFER_REDIS_PORT_6379_TCP_ADDR": "10.0.0.2",
    ]

    @Test("are let pass where Kubernetes sets them for a service called framebuffer or framebuffer-redis")
    func ofKubernetes() async throws {
        #expect(try await load([:], Self.kubernetes) == Settings())
        #expect(try await load([.port: "1"], Self.kubernetes).port == 1)
    }
}

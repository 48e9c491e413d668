import Foundation
import RedisTesting
import Testing

@Suite("Unusable settings")
struct UnusableSettingsTests {
    /// What came of a start that should fail.
    private func end(_ environment: [String: String], _ arguments: [String]) async throws -> (code: Int32, log: String)
    {
        var environment = environment
        environment["PATH"] = ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin"
        // So that one that starts all the same starts nothing else.
        if environment["REDIS_URL"] == nil { environment["REDIS_URL"] = "unix:///nowhere/redis.sock" }
        environment["OTEL_TRACES_EXPORTER"] = "none"
        let process = try RunningProcess(
            FrameBufferProcess.executable,
            ["serve", "--port", "0"] + arguments,
            environment: environment
        )
        // Either it ends by itself, or it is there to stay.
        let hasBegun = try await eventually(within: .seconds(30)) {
            process.log.contains("listening") || Foundation.kill(process.pid, 0) != 0
        }
        #expect(hasBegun)
        if process.log.contains("listening") { process.signal(SIGKILL) }
        let code = await process.exitCode()
        _ = try await eventually(within: .seconds(2)) { !process.log.isEmpty }
        return (code, process.log)
    }

    @Test(
        "in the environment stop the start with exit 78 and a line that names the setting and says what would do",
        arguments: [
            ("FRAMEBUFFER_STOP_GRACE", "soon"), ("FRAMEBUFFER_QUEUES", "a,,b"), ("FRAMEBUFFER_QUEUES", "a,a"),
            ("FRAMEBUFFER_QUEUES", "{a}"), ("FRAMEBUFFER_GROUP", "a b"), ("FRAMEBUFFER_CAPACITY_FRAMES", "0"),
            ("FRAMEBUFFER_CAPACITY_FRAMES", "many"), ("FRAMEBUFFER_MAX_BODY", "-1"),
            ("FRAMEBUFFER_MAX_BODY", "32 parsecs"),
            ("FRAMEBUFFER_MAX_BODY", "999TiB"), ("FRAMEBUFFER_MAX_FIELDS", "0"), ("FRAMEBUFFER_MAX_FIELD_NAME", "x"),
            ("FRAMEBUFFER_MAX_NESTING", "1e9"), ("FRAMEBUFFER_MAX_POLLS", "99999999999999999999"),
            ("FRAMEBUFFER_TRACE_DEQUEUE", "sideways"), ("LOG_LEVEL", "loud"), ("LOG_FORMAT", "xml"),
            ("REDIS_URL", "http://127.0.0.1:6379"), ("REDIS_URL", "redis://127.0.0.1/x"),
            ("REDIS_URL", "redis://:99999999"),
            ("REDIS_URL", "unix://"), ("REDIS_URL", "nonsense"),
        ]
    )
    func environment(name: String, value: String) async throws {
        let (code, log) = try await end([name: value], [])
        #expect(code == 78, "\(log)")
        #expect(log.contains(name), "\(log)")
        #expect(log.split(separator: "\n").count <= 2, "\(log)")
    }

    @Test(
        "on the command line stop the start with exit 64 and a line that names the option",
        arguments: [
            ["--capacity-frames", "0"], ["--max-body", "x"], ["--stop-grace", "1y"], ["--port", "65536"],
            ["--log-level", "loud"],
            ["--redis-url", "http://h"], ["--queues", ""], ["--nonsense", "1"], ["--max-poll", "5"],
        ]
    )
    func commandLine(_ arguments: [String]) async throws {
        let (code, log) = try await end([:], arguments)
        #expect(code == 64, "\(log)")
        #expect(log.contains(arguments[0]), "\(log)")
    }

    @Test(
        "that are unknown stop the start, with the name that was probably meant; others' variables do not"
    )
    func unknown() async throws {
        let (code, log) = try await end(["FRAMEBUFFER_MAX_BODDY": "1MiB"], [])
        #expect(code == 78, "\(log)")
        #expect(log.contains("FRAMEBUFFER_MAX_BODDY") && log.contains("FRAMEBUFFER_MAX_BODY"), "\(log)")

        // What Kubernetes sets for a service called framebuffer.
        let environment = [
            "FRAMEBUFFER_PORT": "tcp://10.0.0.1:8080", "FRAMEBUFFER_SERVICE_HOST": "10.0.0.1",
            "FRAMEBUFFER_SERVICE_PORT": "8080", "FRAMEBUFFER_PORT_8080_TCP": "tcp://10.0.0.1:8080",
            "FRAMEBUFFER_PORT_8080_TCP_ADDR": "10.0.0.1", "FRAMEBUFFER_SERVICE_PORT_HTTP": "8080",
            "FRAMEBUFFER_GROUP": "",
        ]
        try await withService(environment) { service, _ in
            let reply = try await service.enqueue(#"{"frame_id":"f"}"#)
            #expect(reply.status == 200)
        }
    }

    @Test("in the file stop the start with exit 78, and the line names the setting and the file")
    func file() async throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let file = folder.appendingPathComponent("settings.yaml")
        for (text, name) in [
            ("max:\n  body: much\n", "max.body"), ("max:\n  boddy: 1MiB\n", "max.boddy"),
            ("capacity: [", "settings.yaml"),
        ] {
            try Data(text.utf8).write(to: file)
            let (code, log) = try await end(["FRAMEBUFFER_CONFIG": file.path], [])
            #expect(code == 78, "\(log)")
            #expect(log.contains(name) && log.contains("settings.yaml"), "\(log)")
        }
        try FileManager.default.removeItem(at: file)
        let (code, log) = try await end(["FRAMEBUFFER_CONFIG": file.path], [])
        #expect(code == 78 && log.contains("settings.yaml"), "\(log)")
    }

    @Test("several at once are all named")
    func several() async throws {
        let (code, log) = try await end(["FRAMEBUFFER_MAX_BODY": "x", "LOG_LEVEL": "y"], ["--max-fields", "z"])
        #expect(code == 64, "\(log)")
        for name in ["FRAMEBUFFER_MAX_BODY", "LOG_LEVEL", "--max-fields"] { #expect(log.contains(name), "\(log)") }
    }

    @Test("of OpenTelemetry are warnings that name them and show no secret, and the defaults hold")
    func openTelemetry() async throws {
        let names = [
            "OTEL_SDK_DISABLED": "maybe", "OTEL_TRACES_SAMPLER": "now_and_then",
            "OTEL_TRACES_EXPORTER": "carrier_pigeon",
            "OTEL_EXPORTER_OTLP_ENDPOINT": "ftp://secret@h", "OTEL_EXPORTER_OTLP_TIMEOUT": "soon",
            "OTEL_BSP_SCHEDULE_DELAY": "-5", "OTEL_BSP_MAX_QUEUE_SIZE": "none", "OTEL_BSP_MAX_EXPORT_BATCH_SIZE": "0",
            "OTEL_EXPORTER_OTLP_HEADERS": "authorization=secret,=secret,secret",
        ]
        try await withService(names) { service, _ in
            let reply = try await service.enqueue(#"{"frame_id":"f"}"#)
            #expect(reply.status == 200)
            #expect(try reply.json()["trace_id"]?.string?.wholeMatch(of: /[0-9a-f]{32}/) != nil)
            #expect(try await service.dequeue()?["frame_id"] == .string("f"))
            let warnings = service.log.split(separator: "\n").filter { $0.contains("warning") }
            for name in names.keys { #expect(warnings.contains { $0.contains(name) }, "\(name): \(service.log)") }
            #expect(!service.log.contains("secret"), "\(service.log)")
        }
    }
}

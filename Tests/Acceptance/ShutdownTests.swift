import Foundation
import RedisTesting
import Testing

/// How the service ends, and what becomes of what was under way: case C11.
@Suite("Shutdown", .timeLimit(.minutes(3)))
struct ShutdownTests {
    @Test("SIGTERM: polls end empty, an upload finishes, readiness is 503, nobody else comes in, nothing is held back")
    func terminate() async throws {
        try await withService { service, redis in
            let other = try await FrameBufferProcess(redis: redis.url)
            let polls = try (0..<20).map { _ in try RawConnection(port: service.port) }
            for poll in polls { try poll.poll("wait=60s") }
            let idle = try RawConnection(port: service.port)
            let spare = try RawConnection(port: service.port)
            for connection in [idle, spare] {
                try connection.send(Self.readiness)
                #expect(try await connection.next()?.status == 200)
            }
            let payload = (0..<2_000_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }
            var pieces = stride(from: 0, to: payload.count, by: 100_000).map { payload[$0..<$0 + 100_000] }[...]
            let upload = try RawConnection(port: service.port)
            try upload.send(
                "POST /enqueue?frame_id=upload HTTP/1.1\r\nHost: test\r\nContent-Type: image/jpeg\r\n"
                    + "Content-Length: \(payload.count)\r\n\r\n"
            )
            for _ in 0..<5 { try upload.send(Array(pieces.removeFirst())) }

            let start = ContinuousClock.now
            service.signal(SIGTERM)
            // The signal is heard a little later. An answer that is under way just then is the last on its connection, and
            // may still be 200: then the other one tells.
            var readiness = Reply(status: 200, headers: [], body: [])
            var asked = idle
            while readiness.status == 200 {
                if readiness.header("Connection") == "close" { asked = spare }
                try asked.send(Self.readiness)
                readiness = try #require(try await asked.next())
            }
            #expect(readiness.status == 503)
            #expect(try readiness.json()["status"]?.integer == 503)
            #expect(try await asked.closes())
            spare.close()

            try await other.post("f1", "f2", "f3")
            for number in 1...3 { #expect(try await other.take() == HandedOut("f\(number)")) }
            for poll in polls {
                try upload.send(Array(pieces.popFirst() ?? []))
                #expect(try await poll.handedOut() == [])
                #expect(try await poll.closes())
            }
            #expect(ContinuousClock.now - start < .seconds(5))
            #expect(throws: RawConnection.Failure.self) { _ = try RawConnection(port: service.port) }
            for piece in pieces { try upload.send(Array(piece)) }
            let stored = try #require(try await upload.next())
            #expect(stored.status == 200)
            #expect(try stored.json()["frame_id"] == .string("upload"))
            #expect(stored.header("Connection") == "close")
            upload.close()

            let code = await service.exitCode()
            #expect(code == 0, "\(service.log)")
            #expect(ContinuousClock.now - start < .seconds(10))
            #expect(try await other.comesTo(Counts(waiting: 1)))
            #expect(try await redis.cli("XPENDING", "frames:queue", "workers").hasPrefix("0\n"))
            let again = try await other.get("/dequeue", headers: [("Accept", "image/*")])
            #expect(again.body == payload)
            await other.kill()
        }
    }

    @Test("An upload that does not finish within the grace is refused whole, and does not hold up the end")
    func stalledUpload() async throws {
        let redis = try await RedisServer()
        let service = try await FrameBufferProcess(redis: redis.url, ["FRAMEBUFFER_STOP_GRACE": "2s"])
        let upload = try RawConnection(port: service.port)
        try upload.send(
            "POST /enqueue HTTP/1.1\r\nHost: test\r\nContent-Type: image/jpeg\r\nContent-Length: 1000000\r\n\r\nbeginning"
        )
        #expect(try await service.get("/health/live").status == 200)
        let start = ContinuousClock.now
        let code = await service.stop()
        #expect(code == 0, "\(service.log)")
        #expect(ContinuousClock.now - start < .seconds(10))
        #expect(try await upload.closes())
        #expect(try await redis.cli("XLEN", "frames:queue") == "0")
    }

    @Test("What was handed out right before the stop is settled or returned by the time of the end")
    func unprovenAtTheStop() async throws {
        try await withService { service, redis in
            try await service.post("stays", "resets", "waits")
            let staying = try RawConnection(port: service.port)
            try staying.poll()
            #expect(try await staying.handedOut() == [HandedOut("stays")])
            let resetting = try RawConnection(port: service.port)
            try resetting.poll()
            #expect(try await resetting.handedOut() == [HandedOut("resets")])
            service.signal(SIGTERM)
            resetting.reset()
            let code = await service.exitCode()
            #expect(code == 0, "\(service.log)")
            #expect(try await redis.cli("XPENDING", "frames:queue", "workers").hasPrefix("0\n"))
            let other = try await FrameBufferProcess(redis: redis.url)
            #expect(try await other.take() == HandedOut("resets"))
            #expect(try await other.take() == HandedOut("waits"))
            #expect(try await other.comesTo(Counts()))
            await other.kill()
        }
    }

    @Test("It ends in order and in time although Redis hangs or is gone", arguments: [true, false])
    func withoutRedis(hangs: Bool) async throws {
        try await withService { service, redis in
            try await service.post("f1")
            let staying = try RawConnection(port: service.port)
            try staying.poll()
            #expect(try await staying.handedOut() == [HandedOut("f1")])
            let waiting = try RawConnection(port: service.port)
            try waiting.poll("wait=60s")
            if hangs { redis.freeze(true) } else { redis.kill() }
            defer { redis.freeze(false) }
            let start = ContinuousClock.now
            let code = await service.stop()
            #expect(code == 0, "\(service.log)")
            #expect(ContinuousClock.now - start < .seconds(10))
        }
    }

    @Test("A second SIGTERM ends it at once")
    func twice() async throws {
        let redis = try await RedisServer()
        let service = try await FrameBufferProcess(redis: redis.url, ["FRAMEBUFFER_STOP_GRACE": "10m"])
        let upload = try RawConnection(port: service.port)
        try upload.send("POST /enqueue HTTP/1.1\r\nHost: test\r\nContent-Length: 1000000\r\n\r\nbeginning")
        let idle = try RawConnection(port: service.port)
        try idle.send(RawConnection.liveness)
        #expect(try await idle.next()?.status == 200)
        service.signal(SIGTERM)
        // Once it is closed the first signal has done all that it does at once.
        #expect(try await idle.closes())
        let start = ContinuousClock.now
        service.signal(SIGTERM)
        let code = await service.exitCode()
        #expect(code == 128 + SIGTERM, "\(service.log)")
        // The upload would have had half a minute to come.
        #expect(ContinuousClock.now - start < .seconds(10))
    }

    @Test("The frames of a killed service are back within 15 s, at another one, as a second delivery")
    func killed() async throws {
        try await withService { service, redis in
            let other = try await FrameBufferProcess(redis: redis.url)
            try await service.post("f1", "f2")
            let callers = try (0..<2).map { _ in try RawConnection(port: service.port) }
            for (number, caller) in callers.enumerated() {
                try caller.poll()
                #expect(try await caller.handedOut() == [HandedOut("f\(number + 1)")])
            }
            let start = ContinuousClock.now
            await service.kill()
            try await other.post("f3")
            #expect(try await other.take() == HandedOut("f3"))
            #expect(try await other.take(wait: "60s") == HandedOut("f1", deliveries: 2))
            #expect(try await other.take() == HandedOut("f2", deliveries: 2))
            // They are promised in 15; the rest is for a busy machine.
            #expect(ContinuousClock.now - start < .seconds(20))
            #expect(try await other.comesTo(Counts()))
            await other.kill()
        }
    }

    // MARK: The embedded Redis

    @Test("With the embedded Redis, SIGTERM ends that too, and its frames are there after a new start")
    func embedded() async throws {
        try await withFolder { folder in
            let first = try await EmbeddedService(folder)
            try await first.service.post("f1", "f2", "f3")
            #expect(try await first.service.take() == HandedOut("f1"))
            let code = await first.service.stop()
            #expect(code == 0, "\(first.service.log)")
            #expect(!first.redisIsAlive)
            let second = try await EmbeddedService(folder)
            #expect(try await second.service.take() == HandedOut("f2"))
            #expect(try await second.service.take() == HandedOut("f3"))
            #expect(try await second.service.comesTo(Counts()))
            let secondCode = await second.service.stop()
            #expect(secondCode == 0, "\(second.service.log)")
        }
    }

    @Test("A service that was killed finds its frames at the next start, and no second redis-server stays behind")
    func embeddedKilled() async throws {
        try await withFolder { folder in
            let first = try await EmbeddedService(folder)
            try await first.service.post("f1", "f2", "f3")
            let caller = try RawConnection(port: first.service.port)
            try caller.poll()
            #expect(try await caller.handedOut() == [HandedOut("f1")])
            await first.service.kill()
            let second = try await EmbeddedService(folder)
            #expect(!first.redisIsAlive || first.redis == second.redis)
            #expect(try await second.service.take() == HandedOut("f2"))
            #expect(try await second.service.take() == HandedOut("f3"))
            #expect(try await second.service.take(wait: "60s") == HandedOut("f1", deliveries: 2))
            let code = await second.service.stop()
            #expect(code == 0, "\(second.service.log)")
            #expect(!first.redisIsAlive && !second.redisIsAlive)
        }
    }

    @Test("It runs as any user who can write to the data directory")
    func anyUser() async throws {
        try await withFolder { folder in
            // Where the checkout is, another user may not be let in.
            let executable = folder.appendingPathComponent("framebuffer")
            try FileManager.default.copyItem(at: FrameBufferProcess.executable, to: executable)
            let data = folder.appendingPathComponent("data")
            try FileManager.default.createDirectory(at: data, withIntermediateDirectories: true)
            var command = [executable.path, "serve", "--port", "0"]
            if getuid() == 0 {
                let nobody = "65534"
                command = ["setpriv", "--reuid", nobody, "--regid", nobody, "--clear-groups"] + command
                try FileManager.default.setAttributes(
                    [.ownerAccountID: 65_534, .groupOwnerAccountID: 65_534],
                    ofItemAtPath: data.path
                )
            }
            let process = try RunningProcess(
                URL(fileURLWithPath: "/usr/bin/env"),
                command,
                environment: [
                    "PATH": ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin",
                    "FRAMEBUFFER_DATA_DIR": data.path,
                    "OTEL_TRACES_EXPORTER": "none",
                ],
                folder: folder
            )
            let port = try await process.port()
            let isReady = try await eventually(within: .seconds(30)) {
                let probe = try RawConnection(port: port)
                try probe.send(Self.readiness)
                return try await probe.next()?.status == 200
            }
            #expect(isReady, "\(process.log)")
            let caller = try RawConnection(port: port)
            try caller.send(RawConnection.frame(#"{"frame_id":"f1"}"#))
            #expect(try await caller.next()?.status == 200)
            try caller.poll()
            #expect(try await caller.handedOut() == [HandedOut("f1")])
            caller.close()
            process.signal(SIGTERM)
            let code = await process.exitCode()
            #expect(code == 0, "\(process.log)")
            let files = try FileManager.default.contentsOfDirectory(atPath: data.path)
            #expect(files.contains("appendonlydir"))
        }
    }

    private static let readiness = "GET /health/ready HTTP/1.1\r\nHost: test\r\n\r\n"
}

/// A service with a Redis of its own, both of which end with the last reference to it, whatever has become of the test.
private final class EmbeddedService: Sendable {
    let service: FrameBufferProcess
    /// The process of its Redis.
    let redis: pid_t

    /// Starts it, and returns once it can take traffic.
    init(_ folder: URL) async throws {
        let service = try await FrameBufferProcess(redis: nil, ["FRAMEBUFFER_DATA_DIR": folder.path])
        var redis: pid_t?
        let isReady = try await eventually(within: .seconds(30)) {
            redis = service.log.matches(of: /embedded Redis runs .*process=(\d+)/).last.flatMap { pid_t($0.1) }
            let readiness = try await service.get("/health/ready")
            return redis != nil && readiness.status == 200
        }
        if !isReady, let redis { kill(redis, SIGKILL) }
        self.service = service
        self.redis = try #require(isReady ? redis : nil, "\(service.log)")
    }

    deinit {
        if redisIsAlive { kill(redis, SIGKILL) }
    }

    /// Whether its Redis runs; a process that has ended, and that nobody has asked about yet, does not.
    var redisIsAlive: Bool {
        guard let status = try? String(contentsOfFile: "/proc/\(redis)/stat", encoding: .utf8),
            let name = status.lastIndex(of: ")")
        else { return false }
        return !status[name...].hasPrefix(") Z")
    }
}

/// Gives `body` a new folder that all may enter, short enough for a socket in it.
private func withFolder(_ body: (URL) async throws -> Void) async throws {
    let folder = URL(fileURLWithPath: "/tmp/fb-\(UInt32.random(in: .min ... .max))", isDirectory: true)
    try FileManager.default.createDirectory(
        at: folder,
        withIntermediateDirectories: true,
        attributes: [.posixPermissions: 0o755]
    )
    defer { try? FileManager.default.removeItem(at: folder) }
    try await body(folder)
}

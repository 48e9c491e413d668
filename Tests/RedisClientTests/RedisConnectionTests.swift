import EventLoopExecution
import NIOCore
import NIOPosix
import RedisTesting
import Testing

@testable import RedisClient

@Suite("One connection to Redis")
struct RedisConnectionTests {
    @Test("Commands of one turn leave in one write, and each has its own answer")
    func pipelining() async throws {
        let redis = try await RedisServer()
        let connection = try await connect(redis)
        let before = try await reads(of: redis)
        let replies = try await connection.commands((0..<500).map { ["ECHO", String($0)] })
        #expect(replies.map(\.value.string) == (0..<500).map(String.init))
        // Looking costs one read itself; 500 commands are more than one buffer of Redis', though not many.
        #expect(try await reads(of: redis) - before <= 10)
        await connection.close()
    }

    @Test("A caller that is cancelled ends at once and shifts nobody's reply")
    func cancelled() async throws {
        let redis = try await RedisServer()
        let connection = try await connect(redis)
        redis.freeze(true)
        let cancelled = Task { try await connection.command(["ECHO", "mine"]) }
        let other = Task { try await connection.command(["ECHO", "theirs"]) }
        cancelled.cancel()
        #expect(await failure(of: cancelled) == .cancelled)
        redis.freeze(false)
        #expect(try await other.value.value.string == "theirs")
        #expect(try await connection.command(["ECHO", "next"]).value.string == "next")
        await connection.close()
    }

    @Test("A hundred callers, half of them cancelled at any moment, get their own replies or none")
    func storm() async throws {
        let redis = try await RedisServer()
        let connection = try await connect(redis)
        for _ in 0..<20 {
            await withTaskGroup { group in
                for number in 0..<100 {
                    group.addTask {
                        let task = Task { try await connection.command(["ECHO", String(number)]).value.string }
                        if number.isMultiple(of: 2) {
                            await Task.yield()
                            task.cancel()
                        }
                        let answer = try? await task.value
                        #expect(answer == nil && number.isMultiple(of: 2) || answer == String(number))
                    }
                }
            }
        }
        await connection.close()
    }

    @Test("A connection that sends no byte while it owes a reply ends, and the reply is lost")
    func silence() async throws {
        let redis = try await RedisServer()
        var limits = RedisLimits()
        limits.silence = .milliseconds(100)
        let connection = try await connect(redis, limits: limits)
        redis.freeze(true)
        let task = Task { try await connection.command(["PING"]) }
        #expect(await failure(of: task) == .lostReply)
        #expect(await !connection.isOpen)
        redis.freeze(false)
    }

    @Test("A connection that sends no byte ends, however much is asked of it meanwhile")
    func silenceUnderLoad() async throws {
        let redis = try await RedisServer()
        var limits = RedisLimits()
        limits.silence = .milliseconds(100)
        let connection = try await connect(redis, limits: limits)
        redis.freeze(true)
        // No more than a socket takes in without its peer's help, over five times as long as Redis may be silent.
        var asked = 0
        let hasEnded = try await eventually {
            Task { try await connection.command(["PING"]) }
            asked += 1
            let isOpen = await connection.isOpen
            return asked == 100 || !isOpen
        }
        #expect(hasEnded && asked < 100)
        redis.freeze(false)
    }

    @Test("A command that leaves slowly, as its line is slow, may take longer than a connection may be silent")
    func slowLine() async throws {
        let server = try await SlowServer(bytesARead: 256 << 10, pause: .milliseconds(25))
        var limits = RedisLimits()
        limits.silence = .milliseconds(500)
        let connection = try await connect(RedisAddress("unix://\(server.path)"), limits: limits)
        let reply = try await connection.command(["ECHO", String(repeating: "x", count: 24 << 20)])
        #expect(reply.value.string == "OK")
        await connection.close()
        try await server.stop()
    }

    @Test("A greeting is no sign that Redis does what it is asked; an answer is")
    func greeting() async throws {
        let redis = try await RedisServer()
        let connection = try await connect(redis)
        #expect(await connection.lastReceived == nil)
        let before = NIODeadline.now()
        _ = try await connection.command(["PING"])
        #expect(try #require(await connection.lastReceived) >= before)
        await connection.close()
    }

    @Test("A connection that owes nothing may be silent for as long as it likes")
    func idle() async throws {
        let redis = try await RedisServer()
        var limits = RedisLimits()
        limits.silence = .milliseconds(20)
        let connection = try await connect(redis, limits: limits)
        _ = try await connection.command(["PING"])
        try await connection.eventLoop.scheduleTask(in: .milliseconds(100)) {}.futureResult.get()
        #expect(try await connection.command(["PING"]).value.string == "PONG")
        await connection.close()
    }

    @Test("When Redis dies, whoever waits for a reply hears that it is lost")
    func killed() async throws {
        let redis = try await RedisServer()
        let connection = try await connect(redis)
        redis.freeze(true)
        let outcome = connection.eventLoop.makePromise(of: RedisReply.self)
        try await connection.eventLoop.submit {
            connection.assumeIsolated { connection in
                _ = connection.send("PING", size: 100) { encoder in
                    encoder.array(1)
                    encoder.bulk("PING")
                } completion: {
                    outcome.completeWith($0.mapError { $0 })
                }
            }
        }.get()
        redis.kill()
        #expect(await failure { try await outcome.futureResult.get() } == .lostReply)
    }

    @Test("More than may be in flight is refused and not sent")
    func bound() async throws {
        let redis = try await RedisServer()
        var limits = RedisLimits()
        limits.commands = 10
        let connection = try await connect(redis, limits: limits)
        let task = Task { try await connection.commands(Array(repeating: ["INCR", "n"], count: 11)) }
        #expect(await failure(of: task) == .overloaded)
        #expect(try await connection.command(["GET", "n"]).value.integer == 10)
        await connection.close()
    }

    @Test("A reply over the limit ends the connection")
    func largeReply() async throws {
        let redis = try await RedisServer()
        var limits = RedisLimits()
        limits.replyBytes = 10_000
        let connection = try await connect(redis, limits: limits)
        try await redis.cli("SETRANGE", "large", "20000", "x")
        let task = Task { try await connection.command(["GET", "large"]) }
        #expect(await failure(of: task) == .lostReply)
        #expect(try await connection.closed.get().code == .protocolViolation)
    }

    @Test("A script that Redis has forgotten is sent again, unnoticed")
    func forgottenScript() async throws {
        let redis = try await RedisServer()
        let script = RedisScript("twice", "#!lua\nreturn ARGV[1] .. ARGV[1]")
        let connection = try await connect(RedisAddress(redis.url), scripts: [script])
        #expect(try await connection.call(ScriptCall(script, keys: [], ["ab"])).value.string == "abab")
        try await redis.cli("SCRIPT", "FLUSH")
        #expect(try await connection.call(ScriptCall(script, keys: [], ["cd"])).value.string == "cdcd")
        #expect(try await connection.call(ScriptCall(script, keys: [], ["ef"])).value.string == "efef")
        let statistics = try await redis.cli("INFO", "commandstats")
        #expect(statistics.contains("cmdstat_eval:calls=1,"))
        await connection.close()
    }

    @Test("Calls of any size leave in the order in which they were made, by digest and by text")
    func sizes() async throws {
        let redis = try await RedisServer()
        let script = RedisScript("length", "#!lua\nreturn #ARGV[1]")
        let connection = try await connect(RedisAddress(redis.url), scripts: [script])
        for _ in 0..<2 {
            let sizes = [3, 2_000_000, 5, 1_500_000, 1 << 20, 7, 3_000_000, 11]
            let answers = sizes.map { size in
                let call = ScriptCall(script, keys: [], [String(repeating: "a", count: size)])
                return Task { try await connection.call(call).value.integer }
            }
            for (size, answer) in zip(sizes, answers) { #expect(try await answer.value == size) }
            try await redis.cli("SCRIPT", "FLUSH")
        }
        await connection.close()
    }

    @Test("Errors are told apart by what a caller can do about them")
    func errors() async throws {
        let redis = try await RedisServer()
        let connection = try await connect(redis)
        _ = try await connection.command(["SET", "text", "x"])
        #expect(await failure { try await connection.command(["XLEN", "text"]) } == .wrongType)
        #expect(await failure { try await connection.command(["XPENDING", "none", "group"]) } == .noGroup)
        #expect(await failure { try await connection.command(["NONSENSE"]) } == .server)
        try await redis.cli("CONFIG", "SET", "maxmemory", "1")
        #expect(await failure { try await connection.command(["SET", "more", "x"]) } == .outOfMemory)
        try await redis.cli("CONFIG", "SET", "maxmemory", "0")
        try await redis.cli("REPLICAOF", "127.0.0.1", "1")
        #expect(await failure { try await connection.command(["SET", "more", "x"]) } == .readOnly)
        // Its primary is elsewhere now: this connection is of no more use.
        #expect(try await connection.closed.get().code == .readOnly)
    }

    @Test("It authenticates, chooses its database and names itself, with no more rights than that takes")
    func handshake() async throws {
        let redis = try await RedisServer()
        try await redis.cli("ACL", "SETUSER", "fb", "on", ">p@ss/w#rd=", "~*", "+ping", "+select", "+get", "+set")
        try await redis.cli("ACL", "SETUSER", "default", "resetpass", ">other")
        var address = try RedisAddress(redis.url)
        address.username = "fb"
        address.password = "p@ss/w#rd="
        address.database = 3
        let connection = try await connect(address)
        _ = try await connection.command(["SET", "key", "three"])
        #expect(try await redis.cli("-a", "other", "--no-auth-warning", "-n", "3", "GET", "key") == "three")
        address.password = "wrong"
        #expect(await failure { try await connect(address).command(["PING"]) } == .notPermitted)
        await connection.close()
    }

    @Test("Without a server there is an error that says where none is")
    func nobody() async throws {
        let redis = try await RedisServer()
        redis.kill()
        do {
            _ = try await connect(redis)
            Issue.record("there is no server")
        } catch let error as RedisError {
            #expect(error.code == .away)
            #expect(error.message.contains(redis.socket))
        }
    }

    // MARK: What the tests need

    private func connect(_ redis: RedisServer, limits: RedisLimits = RedisLimits()) async throws -> RedisConnection {
        try await connect(RedisAddress(redis.url), limits: limits)
    }

    private func connect(
        _ address: RedisAddress,
        scripts: [RedisScript] = [],
        limits: RedisLimits = RedisLimits()
    ) async throws -> RedisConnection {
        try await RedisConnection.connect(
            to: address,
            name: "test",
            scripts: scripts,
            on: EventLoopExecutor(MultiThreadedEventLoopGroup.singleton.any()),
            limits: limits
        )
    }

    private func reads(of redis: RedisServer) async throws -> Int {
        let line = try await redis.cli("INFO", "stats").split(whereSeparator: \.isNewline)
            .first { $0.hasPrefix("total_reads_processed:") }
        return try #require(line.flatMap { Int($0.split(separator: ":")[1]) })
    }
}

/// The kind of error that something fails with; nil if it doesn't fail.
func failure(_ body: () async throws -> Any) async -> RedisError.Code? {
    do {
        _ = try await body()
        return nil
    } catch {
        return (error as? RedisError)?.code
    }
}

/// The kind of error that a task fails with; nil if it doesn't fail.
func failure<Value: Sendable>(of task: Task<Value, any Error>) async -> RedisError.Code? {
    await failure { try await task.value }
}

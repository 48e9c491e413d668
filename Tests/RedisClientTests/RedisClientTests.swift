import EventLoopExecution
import Logging
import NIOCore
import NIOPosix
import RedisTesting
import Testing

@testable import RedisClient

@Suite("A connection that is made again")
struct RedisClientTests {
    @Test("After Redis has come back the next command works, and nobody has to ask for it")
    func comesBack() async throws {
        let redis = try await RedisServer()
        try await withClient(redis) { client in
            #expect(try await client.command(["PING"]).value.string == "PONG")
            for _ in 0..<3 {
                redis.kill()
                #expect(await failure { try await client.command(["PING"]) } != nil)
                try await redis.start()
                #expect(try await client.command(["PING"]).value.string == "PONG")
            }
        }
    }

    @Test("While Redis is away each command fails within a second")
    func away() async throws {
        let redis = try await RedisServer()
        redis.kill()
        try await withClient(redis) { client in
            let clock = ContinuousClock()
            for _ in 0..<5 {
                let start = clock.now
                #expect(await failure { try await client.command(["PING"]) } == .away)
                #expect(clock.now - start < .seconds(4))
            }
        }
    }

    @Test("A client that was started before Redis finds it")
    func startedFirst() async throws {
        let redis = try await RedisServer()
        redis.kill()
        try await withClient(redis) { client in
            #expect(await failure { try await client.command(["PING"]) } == .away)
            try await redis.start()
            #expect(try await client.command(["PING"]).value.string == "PONG")
        }
    }

    @Test("Commands that were sent before the connection was there go out in their order")
    func order() async throws {
        let redis = try await RedisServer()
        let client = RedisClientTests.client(of: redis)
        let sent = client.eventLoop.makePromise(of: Void.self)
        try await client.eventLoop.submit {
            client.assumeIsolated { client in
                for number in 0..<100 {
                    let text = String(number)
                    client.send(1) { connection in
                        let encode = { (encoder: inout RESPEncoder) in
                            encoder.array(3)
                            encoder.bulk("RPUSH")
                            encoder.bulk("list")
                            encoder.bulk(text)
                        }
                        connection.send("RPUSH", size: 100, encode: encode) { _ in
                            if number == 99 { sent.succeed() }
                        }
                    } refusal: { error in
                        sent.fail(error)
                    }
                }
            }
        }.get()
        let running = Task { await client.run() }
        try await sent.futureResult.get()
        #expect(try await redis.cli("LRANGE", "list", "0", "-1") == (0..<100).map(String.init).joined(separator: "\n"))
        running.cancel()
        await running.value
    }

    @Test("More commands than may wait for the connection are refused at once")
    func bound() async throws {
        var limits = RedisLimits()
        limits.commands = 10
        let client = RedisClient(
            address: RedisAddress(endpoint: .unix(path: "/nowhere")),
            name: "test",
            scripts: [],
            executor: EventLoopExecutor(MultiThreadedEventLoopGroup.singleton.any()),
            limits: limits,
            logger: Logger(label: "test")
        )
        let refusals = try await client.eventLoop.submit {
            client.assumeIsolated { client in
                let refusals = NIOLoopBoundBox([RedisError.Code](), eventLoop: client.eventLoop)
                for count in [6, 5, 4] {
                    client.send(count) { _ in
                    } refusal: {
                        refusals.value.append($0.code)
                    }
                }
                return refusals.value
            }
        }.get()
        #expect(refusals == [.overloaded])
    }

    @Test("Once it was cancelled it is closed, and sends nothing more")
    func closed() async throws {
        let redis = try await RedisServer()
        let client = RedisClientTests.client(of: redis)
        let running = Task { await client.run() }
        _ = try await client.command(["PING"])
        running.cancel()
        await running.value
        #expect(await failure { try await client.command(["PING"]) } == .away)
        #expect(try await eventually { try await redis.cli("CLIENT", "LIST").split(separator: "\n").count == 1 })
    }

    @Test("The pause between attempts grows to its bound, and begins anew after a success")
    func backoff() {
        var generator = SeededGenerator(seed: 1)
        var backoff = Backoff(longest: .milliseconds(250))
        for longest in [20, 40, 80, 160, 250, 250] {
            let pause = backoff.next(using: &generator)
            #expect((.milliseconds(longest) / 2 ... .milliseconds(longest)).contains(pause))
        }
        backoff.reset()
        #expect(backoff.next(using: &generator) <= .milliseconds(20))
    }

    private static func client(of redis: RedisServer) -> RedisClient {
        RedisClient(
            address: (try? RedisAddress(redis.url)) ?? RedisAddress(endpoint: .unix(path: redis.socket)),
            name: "test",
            scripts: [],
            executor: EventLoopExecutor(MultiThreadedEventLoopGroup.singleton.any()),
            logger: Logger(label: "test")
        )
    }

    private func withClient(_ redis: RedisServer, _ body: (RedisClient) async throws -> Void) async throws {
        let client = Self.client(of: redis)
        let running = Task { await client.run() }
        defer { running.cancel() }
        try await body(client)
    }
}

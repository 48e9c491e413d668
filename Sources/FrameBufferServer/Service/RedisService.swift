internal import RedisClient
internal import ServiceLifecycle

/// Keeps the event loops' connections to Redis up until the shutdown has come to them.
struct RedisService: Service {
    let clients: [RedisClient]

    func run() async throws {
        await cancelWhenGracefulShutdown {
            await withTaskGroup { group in
                for client in clients { group.addTask(executorPreference: client.executor) { await client.run() } }
            }
        }
    }
}

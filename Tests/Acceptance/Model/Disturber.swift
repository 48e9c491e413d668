import Foundation
import RedisTesting

/// Kills, stops and freezes replicas of the service or their Redis, at random moments, and sets all of it right again.
struct Disturber: Sendable {
    enum Target: Sendable { case replicas, redis }

    let target: Target
    let seed: UInt64
    /// How long it waits between two disturbances, at most.
    let pause: Duration
    /// Whether there is time for replicas to sleep until the others take them for dead.
    let isPatient: Bool
    let fleet: Fleet
    let log: RunLog
    let stopped: Flag

    func run() async throws {
        var generator = SeededGenerator(seed: seed)
        while try await !isStopped(within: pause * Double.random(in: 0.2...1, using: &generator)) {
            switch target {
            case .replicas: try await disturbReplica(&generator)
            case .redis: try await disturbRedis(&generator)
            }
        }
    }

    private func disturbReplica(_ generator: inout SeededGenerator) async throws {
        let place = Int.random(in: 0..<fleet.count, using: &generator)
        if isPatient, Int.random(in: 0..<15, using: &generator) == 0 {
            happened("the replica in place \(place) sleeps for 13 seconds")
            return try await fleet.freeze(place, for: .seconds(13), unless: stopped)
        }
        switch Int.random(in: 0..<10, using: &generator) {
        case ..<6:
            let ended = await fleet.end(place, by: SIGKILL)
            happened("replica \(ended?.number ?? 0) was killed")
            _ = try await isStopped(within: .milliseconds(Int.random(in: 0...500, using: &generator)))
            try await fleet.start(place)
        case ..<8:
            if let (number, code) = await fleet.end(place, by: SIGTERM) {
                happened("replica \(number) was stopped")
                if code != 0 { log.fault("replica \(number) ended with \(code) when it was told to stop") }
            }
            try await fleet.start(place)
        default:
            let time = Duration.milliseconds(Int.random(in: 20...1500, using: &generator))
            happened("the replica in place \(place) stands still for \(time)")
            try await fleet.freeze(place, for: time, unless: stopped)
        }
    }

    private func disturbRedis(_ generator: inout SeededGenerator) async throws {
        let redis = fleet.redis
        let way = Int.random(in: 0..<10, using: &generator)
        let time = Duration.milliseconds(Int.random(in: 20...1500, using: &generator))
        try await fleet.disturb {
            switch way {
            case ..<4:
                happened("Redis was killed")
                redis.kill()
                try await redis.start()
            case ..<7:
                happened("Redis was shut down")
                try await redis.cli("SHUTDOWN")
                redis.kill()
                try await redis.start()
            default:
                happened("Redis stands still for \(time)")
                redis.freeze(true)
                defer { redis.freeze(false) }
                _ = try await isStopped(within: time)
            }
        }
    }

    /// Waits for the end of the run, so long at most.
    private func isStopped(within limit: Duration) async throws -> Bool {
        try await eventually(within: limit) { stopped.isSet }
    }

    private func happened(_ what: String) {
        log.count("disturbances")
        log.happened("\(Int(fleet.now / .milliseconds(1))) ms: \(what)")
    }
}

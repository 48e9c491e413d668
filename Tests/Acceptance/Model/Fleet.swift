import Foundation
import RedisTesting
import Synchronization

/// Instances of the service on one Redis, each of which may die and be followed by another.
final class Fleet: Sendable {
    /// One process of the service.
    struct Replica: Sendable {
        /// No two processes of a run have the same.
        let number: Int
        let process: FrameBufferProcess
    }

    private struct State {
        var replicas: [Replica?]
        var started = 0
        var deaths: [Int: [Duration]] = [:]
        /// When Redis or a replica was away or stood still.
        var disturbances: [(start: Duration, end: Duration)] = []
    }

    let redis: RedisServer
    private let environment: [String: String]
    private let state: Mutex<State>
    private let clock = ContinuousClock()
    private let origin = ContinuousClock.now

    init(replicas: Int, environment: [String: String]) async throws {
        redis = try await RedisServer(["--appendonly", "yes", "--appendfsync", "always"])
        self.environment = environment
        state = Mutex(State(replicas: Array(repeating: nil, count: replicas)))
        for place in 0..<replicas { try await start(place) }
    }

    /// The time since the start of the run.
    var now: Duration { clock.now - origin }

    /// How many places for replicas there are.
    var count: Int { state.withLock { $0.replicas.count } }

    /// Those that run.
    var replicas: [Replica] { state.withLock { $0.replicas.compactMap(\.self) } }

    /// When which process died, or fell asleep for so long that the others took it for dead.
    var deaths: [Int: [Duration]] { state.withLock(\.deaths) }

    /// When that has surely come to its end whose caller got no answer.
    func late(_ time: Duration) -> Duration {
        let soon = time + .seconds(1)
        let ends = disturbances.filter { $0.start <= soon && $0.end >= time }.map(\.end)
        return (ends.max() ?? time) + .seconds(3)
    }

    /// When a frame that was handed out has surely been settled, or was given back: Redis is told again until it answers.
    func settled(_ time: Duration) -> Duration {
        var end = time + .seconds(4)
        for disturbance in disturbances where disturbance.start <= end && disturbance.end >= time {
            end = max(end, disturbance.end + .seconds(4))
        }
        return end
    }

    private var disturbances: [(start: Duration, end: Duration)] {
        state.withLock(\.disturbances).sorted { $0.start < $1.start }
    }

    /// Takes down that something stood still while `body` ran.
    func disturb(_ body: () async throws -> Void) async throws {
        let start = now
        try await body()
        state.withLock { $0.disturbances.append((start, now)) }
    }

    // MARK: Replicas

    func start(_ place: Int) async throws {
        let process = try await FrameBufferProcess(redis: redis.url, environment)
        state.withLock { state in
            state.started += 1
            state.replicas[place] = Replica(number: state.started, process: process)
        }
    }

    /// Ends a replica by a signal and waits for its end; returns its number and exit code.
    func end(_ place: Int, by signal: Int32) async -> (number: Int, code: Int32)? {
        guard let replica = state.withLock({ $0.replicas[place] }) else { return nil }
        replica.process.signal(signal)
        if signal == SIGKILL { state.withLock { $0.replicas[place] = nil } }
        let code = await replica.process.exitCode()
        state.withLock { state in
            state.replicas[place] = nil
            state.deaths[replica.number, default: []].append(now)
        }
        return (replica.number, code)
    }

    /// Lets a replica stand still for a time, or until the run ends.
    func freeze(_ place: Int, for time: Duration, unless stopped: Flag) async throws {
        guard let replica = state.withLock({ $0.replicas[place] }) else { return }
        if time > .seconds(5) { state.withLock { $0.deaths[replica.number, default: []].append(now) } }
        try await disturb {
            replica.process.signal(SIGSTOP)
            defer { replica.process.signal(SIGCONT) }
            _ = try await eventually(within: time) { stopped.isSet }
        }
    }
}

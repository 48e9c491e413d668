import Foundation
import RedisTesting
import Testing

/// Random operations of producers, workers and operators, while replicas of the service and their Redis are killed, stopped
/// and frozen, against a model of the contract (``FrameModel``): what is answered about a frame has to be possible.
///
/// `MODEL_SECONDS` sets how long it acts, and `MODEL_SEED` what each actor does, as a run that failed printed it, for longer
/// runs by hand: `MODEL_SECONDS=300 swift test --filter ModelTests`. Which of two answers comes first no seed says.
@Suite("Whatever happens", .timeLimit(.minutes(60)))
struct ModelTests {
    private static func setting(_ name: String) -> UInt64? {
        ProcessInfo.processInfo.environment[name].flatMap { UInt64($0) }
    }

    @Test(
        "what is answered about each frame is what the contract allows, and each is accounted for in the end",
        arguments: [false, true]
    )
    func run(dropsOldest: Bool) async throws {
        let seed = Self.setting("MODEL_SEED") ?? UInt64.random(in: 0..<1 << 32)
        let time = Duration.seconds(Int(Self.setting("MODEL_SECONDS") ?? 6))
        let (faults, story) = try await ModelRun(seed: seed, time: time, dropsOldest: dropsOldest).run()
        print("model, seed \(seed), \(dropsOldest ? "drop-oldest" : "reject"): \(story)")
        #expect(
            faults.isEmpty,
            "MODEL_SEED=\(seed): \(faults.count) faults: \(faults.prefix(5).joined(separator: "\n")); \(story)"
        )
    }
}

internal import FrameBuffer
internal import Logging
internal import NIOCore
internal import ServiceLifecycle

/// Keeps the queues going: their readers, their housekeeping, and at the end their leave of the group.
///
/// Their tasks prefer the queue's executor: without that each reply of Redis would resume them by way of another thread.
struct QueueService: Service {
    /// The queues of each event loop.
    let loops: [Queues]
    /// How long frames that are still in hand at the end may take to be settled or returned.
    let patience: Duration

    func run() async throws {
        await withGracefulShutdownHandler {
            await withTaskGroup { group in
                for queue in loops.flatMap(\.all) {
                    group.addTask(executorPreference: queue.executor) { await queue.read() }
                    group.addTask(executorPreference: queue.executor) { await queue.follow() }
                }
                await withTaskGroup { housekeeping in
                    for queue in loops.flatMap(\.all) {
                        housekeeping.addTask(executorPreference: queue.executor) { await queue.lookAfterConnections() }
                        housekeeping.addTask(executorPreference: queue.executor) { await queue.tellLastFrames() }
                    }
                    for queue in loops.first?.all ?? [] {
                        housekeeping.addTask(executorPreference: queue.executor) { await queue.keepHouse() }
                        housekeeping.addTask(executorPreference: queue.executor) { await queue.returnLapsed() }
                    }
                    await group.waitForAll()
                    // The readers end with the polls, when the front door begins to close; what was handed out is judged
                    // until it is closed, and only then it is our turn to stop.
                    try? await gracefulShutdown()
                    housekeeping.cancelAll()
                }
            }
            await leave()
        } onGracefulShutdown: {
            stopPolls()
        }
    }

    /// Ends all polls, and with them the readers.
    func stopPolls() {
        for queue in loops.flatMap(\.all) { queue.stopPolls() }
    }

    private func leave() async {
        let clock = ContinuousClock()
        let end = clock.now + patience
        for queue in loops.flatMap(\.all) {
            while await queue.hasFramesInHand, clock.now < end { try? await clock.sleep(for: .milliseconds(10)) }
            await queue.leave()
        }
    }
}

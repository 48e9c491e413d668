package import NIOCore
import Synchronization

/// Runs actors and tasks on an event loop, both as one executor.
///
/// The runtime switches executors, which costs a turn of the loop, wherever actor or task executor change their identity.
/// So everything of a request should share the executor of its loop: an actor by its `unownedExecutor`, a task by its
/// executor preference. With SwiftNIO's own executor for actors and a wrapper of it for tasks, a request that calls an
/// actor twice is enqueued five times; with this one for both, once.
package final class EventLoopExecutor: SerialExecutor, TaskExecutor {
    /// The loop that everything runs on.
    package let eventLoop: any EventLoop

    private struct Jobs {
        var pending: [UnownedJob] = []
        /// Storage that changes places with that of `pending`, so that neither is allocated anew.
        var spare: [UnownedJob] = []
    }

    private let jobs = Mutex(Jobs())

    /// Makes an executor. All that is to run on the loop without switching has to share it.
    package init(_ eventLoop: any EventLoop) {
        self.eventLoop = eventLoop
    }

    package func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        let isFirst = jobs.withLock { jobs in
            jobs.pending.append(job)
            return jobs.pending.count == 1
        }
        // The jobs that follow until the loop's next turn join it.
        if isFirst { eventLoop.execute(run) }
    }

    package func checkIsolated() {
        eventLoop.preconditionInEventLoop()
    }

    package func asUnownedSerialExecutor() -> UnownedSerialExecutor {
        UnownedSerialExecutor(ordinary: self)
    }

    private func run() {
        var running = jobs.withLock { jobs in
            defer {
                jobs.pending = jobs.spare
                jobs.spare = []
            }
            return jobs.pending
        }
        let serialExecutor = asUnownedSerialExecutor()
        let taskExecutor = asUnownedTaskExecutor()
        for job in running {
            job.runSynchronously(isolatedTo: serialExecutor, taskExecutor: taskExecutor)
        }
        running.removeAll(keepingCapacity: true)
        jobs.withLock { $0.spare = running }
    }
}

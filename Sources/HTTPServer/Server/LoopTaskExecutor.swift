import NIOCore

/// Runs tasks that prefer it on an event loop.
///
/// Jobs run as on the loop's serial executor, so that a call from one of them to an actor on that loop needs no hop.
final class LoopTaskExecutor: TaskExecutor {
    private let executor: any SerialExecutor

    init(_ eventLoop: any EventLoop) {
        executor = eventLoop.executor
    }

    func enqueue(_ job: consuming ExecutorJob) {
        executor.enqueue(job)
    }
}

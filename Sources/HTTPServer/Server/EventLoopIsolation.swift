import EventLoopExecution

/// The isolation that the tasks of requests start in: being that of the loop, they reach its actors without a switch.
actor EventLoopIsolation {
    private let executor: EventLoopExecutor

    nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

    init(_ executor: EventLoopExecutor) {
        self.executor = executor
    }
}

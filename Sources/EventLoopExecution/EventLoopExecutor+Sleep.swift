internal import NIOCore

extension EventLoopExecutor {
    /// Waits for a while, or until the task is cancelled.
    ///
    /// `Task.sleep` has a thread of its own for timers, and another that wakes the loop: with some timers a second that was
    /// half of what an idle service took.
    package func sleep(for duration: Duration) async {
        let end = eventLoop.scheduleTask(in: TimeAmount(duration)) {}
        await withTaskCancellationHandler {
            try? await end.futureResult.get()
        } onCancel: {
            end.cancel()
        }
    }
}

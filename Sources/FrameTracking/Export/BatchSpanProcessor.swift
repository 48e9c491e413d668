package import Logging
import ServiceLifecycle
import Synchronization

/// Collects ended spans and exports them in batches, one request at a time (OpenTelemetry SDK, "Batching processor").
///
/// Callers never wait: what does not fit into the queue is dropped and counted. Exporting happens in ``run(exporter:)``.
package final class BatchSpanProcessor: Sendable {
    private struct State {
        var queue: SpanQueue
        /// The next batch is due even if it is not complete.
        var isBatchDue = false
        var isStopping = false
        var hasStopped = false
        var statistics = TracingStatistics(exporter: "")
    }

    private let state: Mutex<State>
    private let scheduleDelay: Duration
    private let flushTimeout: Duration
    private let clock: any Clock<Duration>
    private let logger: Logger
    /// One pending wake is enough, however many reasons there are for it.
    private let wakes: AsyncStream<Void>
    private let wake: AsyncStream<Void>.Continuation

    /// A processor with an empty queue.
    package init(
        settings: TracingSettings.Batching,
        clock: any Clock<Duration> = ContinuousClock(),
        logger: Logger
    ) {
        state = Mutex(
            State(queue: SpanQueue(capacity: settings.maximumQueueSize, batchSize: settings.maximumBatchSize))
        )
        // Without any delay there would be nothing but looking into the queue.
        scheduleDelay = max(settings.scheduleDelay, .milliseconds(1))
        flushTimeout = settings.flushTimeout
        self.clock = clock
        self.logger = logger
        (wakes, wake) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    }

    // MARK: Callers' side

    /// Queues an ended span, or drops and counts it. Never waits.
    package func enqueue(_ span: SpanRecord) {
        let isBatchComplete = state.withLock { state in
            let offer = state.hasStopped ? .dropped : state.queue.append(span)
            if offer == .dropped { state.statistics.droppedQueueFull += 1 }
            return offer == .completedBatch
        }
        if isBatchComplete { wake.yield() }
    }

    /// Has what waits exported at once, without waiting for it.
    func exportSoon() {
        let isAnythingWaiting = state.withLock { state in
            state.isBatchDue = state.queue.count > 0
            return state.isBatchDue
        }
        if isAnythingWaiting { wake.yield() }
    }

    func statistics(exporter: String) -> TracingStatistics {
        state.withLock { state in
            var statistics = state.statistics
            statistics.exporter = exporter
            statistics.queued = state.queue.count
            return statistics
        }
    }

    // MARK: Exporting

    /// Exports until graceful shutdown, then what is left, within the limit. To be called once.
    ///
    /// Cancelling it, like running out of that limit, ends the request under way and drops and counts the rest.
    package func run(exporter: some SpanExporter) async {
        await withTaskGroup { group in
            group.addTask { await self.exportUntilStopped(with: exporter) }
            group.addTask {
                while (try? await self.clock.sleep(for: self.scheduleDelay)) != nil { self.exportSoon() }
            }
            group.addTask {
                guard (try? await gracefulShutdown()) != nil else { return }
                self.state.withLock { $0.isStopping = true }
                self.wake.yield()
                try? await self.clock.sleep(for: self.flushTimeout)
            }
            // All is exported, the limit has passed, or this task was cancelled.
            await group.next()
            group.cancelAll()
        }
        dropRest()
    }

    private func exportUntilStopped(with exporter: some SpanExporter) async {
        var log = ExportLog(logger: logger, clock: clock)
        for await _ in wakes {
            while !Task.isCancelled, let batch = nextBatch() {
                let result = await exporter.export(batch)
                let statistics = state.withLock { state in
                    state.statistics.count(result, of: batch.count)
                    return state.statistics
                }
                log.note(result, of: batch.count, statistics)
                state.withLock { $0.queue.recycle(batch) }
            }
            if state.withLock({ $0.hasStopped }) { return }
        }
    }

    private func nextBatch() -> SpanBatch? {
        state.withLock { state in
            let batch = state.queue.takeBatch(partial: state.isBatchDue || state.isStopping)
            // Complete batches go first; once this one has gone too, the next is only due with the next delay.
            if state.queue.count == 0 { state.isBatchDue = false }
            if batch == nil, state.isStopping { state.hasStopped = true }
            return batch
        }
    }

    private func dropRest() {
        state.withLock { state in
            state.hasStopped = true
            while let batch = state.queue.takeBatch(partial: true) {
                state.statistics.count(.failed(.stopped, ""), of: batch.count)
            }
        }
    }
}

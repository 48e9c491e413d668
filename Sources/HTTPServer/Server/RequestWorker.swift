import EventLoopExecution
import NIOCore

/// Answers requests of one event loop, one after the other, in one task.
///
/// To make a task for each request, with the memory that it needs, took a twentieth of an enqueue; most requests find a
/// worker that waits for one. Once cancelled it answers no further one, as a task stays cancelled for ever.
final class RequestWorker {
    /// A request, and the connection that waits for its response.
    struct Job: Sendable {
        let request: HTTPRequest
        let connection: NIOLoopBound<HTTPConnectionHandler>
    }

    private let loop: HTTPServerLoop
    private var task: Task<Void, Never>?
    private var isCancelled = false
    private var job: Job?
    private var waiting: UnsafeContinuation<Job?, Never>?

    /// Makes a worker whose first request is there.
    init(_ job: Job, loop: HTTPServerLoop) {
        self.loop = loop
        self.job = job
        let worker = NIOLoopBound(self, eventLoop: loop.eventLoop)
        let (responder, executor) = (loop.responder, loop.executor)
        // Of the ways to make a task only this one takes both the isolation and the preference. It may run at once. It
        // inherits nothing: behind a pipelined request it is made within the task of the one before.
        task = loop.isolation.assumeIsolated { _ in
            Task.immediateDetached(executorPreference: executor) {
                while let job = await withUnsafeContinuation({ worker.value.wait($0) }) {
                    let connection = job.connection
                    let response = await responder.respond(to: job.request)
                    if connection.value.responded(response), let stream = response.stream {
                        await stream(HTTPBodyWriter(connection))
                        connection.value.streamEnded()
                    }
                }
            }
        }
    }

    /// Begins to answer another request, while it waits for one.
    func start(_ job: Job) {
        waiting.take()?.resume(returning: job)
    }

    /// Cancels the answer that is under way, or about to be.
    func cancel() {
        isCancelled = true
        task?.cancel()
    }

    /// Ends it while it waits.
    func end() {
        waiting.take()?.resume(returning: nil)
    }

    private func wait(_ continuation: UnsafeContinuation<Job?, Never>) {
        if let job = job.take() {
            continuation.resume(returning: job)
        } else if isCancelled || !loop.keep(self) {
            continuation.resume(returning: nil)
        } else {
            waiting = continuation
        }
    }
}

import Foundation
import Synchronization

/// Runs what blocks on a thread of its own, which shares its descriptors with no other.
///
/// A process that any thread starts holds for an instant, until it has become what it is to be, all that is open in its
/// thread's table. On a busy machine that instant can be longer than the hand-over waits, and a connection that was closed
/// meanwhile is still there for the kernel.
///
/// - Parameter body: must not start threads, nor make others do so, as they would get its table: no tasks, no queues, no
///   expectations. What it opens it has to close.
func withOwnDescriptors<Value: Sendable>(_ body: @escaping @Sendable () throws -> Value) async throws -> Value {
    // Two threads: whoever continues the task may start a thread to run it, and so has to be one with everybody's table.
    try await RawConnection.blocking {
        let outcome = Outcome<Value>()
        let isDone = DispatchSemaphore(value: 0)
        Thread.detachNewThread {
            typealias CloseRange = @convention(c) (CUnsignedInt, CUnsignedInt, CInt) -> CInt
            // Linux' close_range, which the module of the C library leaves out; 2 is CLOSE_RANGE_UNSHARE. What others have
            // open is closed in the new table, as it must not stay open on our account. Without it the risk remains.
            if let symbol = dlsym(nil, "close_range") {
                _ = unsafeBitCast(symbol, to: CloseRange.self)(3, .max, 2)
            }
            outcome.result.withLock { $0 = Result(catching: body) }
            isDone.signal()
        }
        isDone.wait()
        guard let result = outcome.result.withLock(\.self) else { throw CancellationError() }
        return try result.get()
    }
}

private final class Outcome<Value: Sendable>: Sendable {
    let result = Mutex<Result<Value, any Error>?>(nil)
}

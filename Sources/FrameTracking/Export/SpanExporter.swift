/// Sends spans to where they are kept.
package protocol SpanExporter: Sendable {
    /// Sends one batch, which is not empty, and comes back within the exporter's own time limit. Cancelling it makes
    /// it fail at once.
    func export(_ batch: SpanBatch) async -> ExportResult
}

/// What became of a batch.
package enum ExportResult: Hashable, Sendable {
    /// It was taken, but for `rejected` spans, for the reason that the receiver gave.
    case exported(rejected: Int, message: String)
    /// It was not delivered, for a reason to be counted and one for people, and will not be sent again.
    case failed(Loss, String)

    /// Why a batch was not delivered.
    package enum Loss: Hashable, Sendable {
        /// The receiver will not have it, now or ever.
        case refused
        /// The receiver could not be reached, or did not take it in time.
        case unreachable
        /// The process stopped meanwhile.
        case stopped
    }
}

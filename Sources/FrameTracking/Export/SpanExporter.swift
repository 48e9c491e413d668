/// Sends spans to where they are kept.
package protocol SpanExporter: Sendable {
    /// Sends one batch, which is not empty, and comes back within the exporter's own time limit. Cancelling it makes
    /// it fail at once.
    func export(_ spans: [SpanRecord]) async -> ExportResult
}

/// What became of a batch.
package enum ExportResult: Hashable, Sendable {
    /// It was taken, but for `rejected` spans, for the reason that the receiver gave.
    case exported(rejected: Int, message: String)
    /// It was not taken and will not be sent again.
    case failed(String)
}

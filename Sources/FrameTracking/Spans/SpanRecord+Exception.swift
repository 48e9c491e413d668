extension SpanRecord {
    /// Adds the event `exception`. To be called of one span for an error, and not again of those above it.
    package func recordException(_ error: any Error, message: String) {
        guard isRecording else { return }
        addEvent(
            "exception",
            attributes: [
                Attribute("exception.type", .string(String(reflecting: type(of: error)))),
                Attribute("exception.message", .string(message)),
            ]
        )
    }
}

extension ContinuousClock {
    /// What `body` returns, and how long it took.
    func timed<Value>(_ body: () async throws -> Value) async rethrows -> (value: Value, time: Duration) {
        let start = now
        let value = try await body()
        return (value, now - start)
    }
}

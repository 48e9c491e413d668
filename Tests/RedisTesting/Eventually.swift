/// Waits until `condition` holds; returns whether it did within `limit`.
///
/// For what shows itself in no other way than by looking again: the one place where tests let time pass.
public func eventually(
    within limit: Duration = .seconds(10),
    _ condition: () async throws -> Bool
) async throws -> Bool {
    let clock = ContinuousClock()
    let end = clock.now + limit
    while try await !condition() {
        guard clock.now < end else { return false }
        try await clock.sleep(for: .milliseconds(5))
    }
    return true
}

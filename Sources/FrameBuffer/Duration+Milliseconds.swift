extension Duration {
    /// Whole milliseconds; what is below one is left out.
    package var milliseconds: Int64 {
        components.seconds * 1_000 + components.attoseconds / 1_000_000_000_000_000
    }
}

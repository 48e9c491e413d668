#if canImport(Musl)
    internal import Musl
#else
    internal import Glibc
#endif

/// How many files, and so connections, the process may have open.
enum OpenFiles {
    /// What the process needs beside the connections of callers: Redis, the collector, libraries, logs.
    private static let others = 128

    /// Raises the limit as far as the system lets us, and says how many connections of callers that leaves room for.
    ///
    /// Its usual value of 1,024 is for programs that use select(2), which we don't.
    static func raiseLimit() -> Int {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return 1024 - others }
        if limit.rlim_cur < limit.rlim_max {
            var raised = limit
            raised.rlim_cur = limit.rlim_max
            if setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &raised) == 0 { limit = raised }
        }
        return max(1, Int(clamping: limit.rlim_cur) - others)
    }
}

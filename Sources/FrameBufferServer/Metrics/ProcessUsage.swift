#if canImport(Musl)
    internal import Musl
#else
    internal import Glibc
#endif

/// What the process takes of the machine, as far as the system tells (proc(5)).
struct ProcessUsage {
    /// Of the processor, by all threads since the start.
    let cpuSeconds: Double?
    /// Memory that is in RAM.
    let residentBytes: Int?
    /// Memory that addresses were given out for.
    let virtualBytes: Int?
    /// Files, sockets and pipes that are open.
    let openFiles: Int?
    /// The most that may be.
    let mostFiles: Int?

    /// Looks at this moment.
    init() {
        // The name before it may hold anything, blanks and parentheses too.
        let numbers = Self.numbers(in: Self.read("/proc/self/stat").split(separator: ")").last ?? "")
        let ticks = Double(sysconf(CInt(_SC_CLK_TCK)))
        // The first one is the parent's.
        cpuSeconds = numbers.count > 11 ? Double(numbers[10] + numbers[11]) / ticks : nil
        let pages = Self.numbers(in: Self.read("/proc/self/statm")[...])
        let pageSize = Int(getpagesize())
        virtualBytes = pages.first.map { $0 * pageSize }
        residentBytes = pages.dropFirst().first.map { $0 * pageSize }
        openFiles = Self.countEntries("/proc/self/fd")
        var limit = rlimit()
        let isKnown = getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0
        mostFiles = isKnown ? Int(clamping: limit.rlim_cur) : nil
    }

    private static func numbers(in text: Substring) -> [Int] {
        text.split(whereSeparator: \.isWhitespace).compactMap { Int($0) }
    }

    /// The beginning of a file of the system's; empty where it can't be read.
    private static func read(_ path: String) -> String {
        let file = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return "" }
        defer { close(file) }
        return withUnsafeTemporaryAllocation(byteCount: 1024, alignment: 1) { memory in
            let count = pread(file, memory.baseAddress, memory.count, 0)
            return String(decoding: memory.prefix(max(0, count)), as: UTF8.self)
        }
    }

    /// How many entries a directory has, but for itself, its parent and the one that looking at it takes.
    private static func countEntries(_ path: String) -> Int? {
        guard let directory = opendir(path) else { return nil }
        defer { closedir(directory) }
        var count = -3
        while readdir(directory) != nil { count += 1 }
        return count
    }
}

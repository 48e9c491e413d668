#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// What there is to be found out of the process and its host, by the semantic conventions for resources. Of the process'
/// arguments only the name it was called by: there may be secrets among the others.
extension Resource {
    static func process() -> [SpanRecord.Attribute] {
        var attributes = [SpanRecord.Attribute("process.pid", .int(Int(getpid())))]
        func add(_ key: String, _ value: String?) {
            if let value, !value.isEmpty { attributes.append(SpanRecord.Attribute(key, .string(value))) }
        }
        add("process.creation.time", creationTime())
        add("process.command", CommandLine.arguments.first)
        add("process.executable.path", executablePath)
        add("process.executable.name", executableName)
        return attributes
    }

    static func host() -> [SpanRecord.Attribute] {
        var attributes: [SpanRecord.Attribute] = []
        func add(_ key: String, _ value: String?) {
            if let value, !value.isEmpty { attributes.append(SpanRecord.Attribute(key, .string(value))) }
        }
        add("host.name", hostName())
        add("host.id", text(ofFile: "/etc/machine-id")?.split(whereSeparator: \.isWhitespace).first.map(String.init))
        add("host.arch", architecture)
        add("os.type", system)
        return attributes
    }

    private static var architecture: String? {
        #if arch(x86_64)
            "amd64"
        #elseif arch(arm64)
            "arm64"
        #else
            nil
        #endif
    }

    private static var system: String? {
        #if os(Linux)
            "linux"
        #elseif os(macOS)
            "darwin"
        #else
            nil
        #endif
    }

    private static func hostName() -> String? {
        var name = [CChar](repeating: 0, count: 256)
        guard gethostname(&name, name.count - 1) == 0 else { return nil }
        return String(decoding: name.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    }

    static var executableName: String? {
        executablePath.flatMap { $0.split(separator: "/").last.map(String.init) }
    }

    private static var executablePath: String? {
        var path = [CChar](repeating: 0, count: 4096)
        let count = readlink("/proc/self/exe", &path, path.count)
        guard count > 0 else { return nil }
        return String(decoding: path[..<count].map(UInt8.init(bitPattern:)), as: UTF8.self)
    }

    // MARK: When it was created

    /// When the process was created, to a hundredth of a second: `2026-03-01T09:30:00.25Z`. nil where `/proc` does not say.
    private static func creationTime() -> String? {
        // Ticks since the machine started: the 22nd field, counted behind the command's name, which may hold anything.
        guard let stat = text(ofFile: "/proc/self/stat"), let end = stat.lastIndex(of: ")"),
            let ticks = stat[end...].split(separator: " ").dropFirst(20).first.flatMap({ Int($0) }),
            let boot = text(ofFile: "/proc/stat")?.split(separator: "\n").first(where: { $0.hasPrefix("btime ") }),
            let start = Int(boot.dropFirst(6))
        else { return nil }
        let ticksASecond = max(1, sysconf(Int32(_SC_CLK_TCK)))
        return text(ofTime: start + ticks / ticksASecond, hundredths: ticks % ticksASecond * 100 / ticksASecond)
    }

    private static func text(ofTime seconds: Int, hundredths: Int) -> String? {
        var time = time_t(seconds)
        var parts = tm()
        guard gmtime_r(&time, &parts) != nil else { return nil }
        var text = [CChar](repeating: 0, count: 32)
        let count = strftime(&text, text.count, "%Y-%m-%dT%H:%M:%S", &parts)
        let date = String(decoding: text[..<count].map(UInt8.init(bitPattern:)), as: UTF8.self)
        return "\(date).\(hundredths < 10 ? "0" : "")\(hundredths)Z"
    }

    /// The first 64 KiB of a file; nil where there is none.
    private static func text(ofFile path: String) -> String? {
        let file = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return nil }
        defer { close(file) }
        let text = [UInt8](unsafeUninitializedCapacity: 65_536) { bytes, count in
            while count < bytes.count, let start = bytes.baseAddress {
                let more = read(file, start + count, bytes.count - count)
                guard more > 0 else { return }
                count += more
            }
        }
        return String(decoding: text, as: UTF8.self)
    }
}

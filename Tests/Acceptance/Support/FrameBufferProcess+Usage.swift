import Foundation

extension FrameBufferProcess {
    /// The processor time that it has used since its start, in seconds.
    var processorSeconds: Double {
        get throws {
            // utime and stime.
            let ticks = try statistics[11...12].compactMap { Double($0) }
            return ticks.reduce(0, +) / Double(sysconf(Int32(_SC_CLK_TCK)))
        }
    }

    /// How many pages it has had to ask the kernel for since its start.
    var pageFaults: Int {
        get throws { Int(try statistics[7]) ?? 0 }
    }

    /// The fields of its line in proc(5)'s `stat`, from its state on.
    private var statistics: [Substring] {
        get throws {
            let text = try String(contentsOfFile: "/proc/\(pid)/stat", encoding: .utf8)
            // The name before it, in brackets, may hold blanks.
            let fields = text[(text.lastIndex(of: ")") ?? text.startIndex)...].split(separator: " ").dropFirst()
            return Array(fields)
        }
    }

    /// The most memory that it has had in use at once, in bytes.
    var peakMemory: Int {
        get throws {
            let lines = try String(contentsOfFile: "/proc/\(pid)/status", encoding: .utf8).split(separator: "\n")
            let line = lines.first { $0.hasPrefix("VmHWM:") } ?? ""
            return line.split(whereSeparator: \.isWhitespace).dropFirst().first.flatMap { Int($0) }.map { $0 << 10 }
                ?? 0
        }
    }

    /// How many lines it has logged.
    var logLineCount: Int { log.split(separator: "\n").count }
}

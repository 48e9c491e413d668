import Foundation

extension FrameBufferProcess {
    /// The processor time that it has used since its start, in seconds.
    var processorSeconds: Double {
        get throws {
            let text = try String(contentsOfFile: "/proc/\(pid)/stat", encoding: .utf8)
            // The name, in brackets, may hold blanks; utime and stime are the twelfth and thirteenth fields behind it.
            let fields = text[(text.lastIndex(of: ")") ?? text.startIndex)...].split(separator: " ").dropFirst()
            let ticks = fields.dropFirst(11).prefix(2).compactMap { Double($0) }
            return ticks.reduce(0, +) / Double(sysconf(Int32(_SC_CLK_TCK)))
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

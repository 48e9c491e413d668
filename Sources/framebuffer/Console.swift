import Glibc

/// Standard output and standard error, line by line and unbuffered: what is read by a pipe is there when it is written.
enum Console {
    /// Prints a line that is a result.
    ///
    /// - Throws: `Failure` where it can't be written.
    static func write(_ line: String) throws(Failure) {
        guard write(line + "\n", to: STDOUT_FILENO) else {
            throw Failure(
                "standard output can't be written, \(String(cString: strerror(errno)))",
                exitCode: Failure.unusableOutput
            )
        }
    }

    /// For what is no result: errors, and how it goes.
    static func note(_ line: String) {
        _ = write(
            "framebuffer: " + line.split(separator: "\n").joined(separator: "\nframebuffer: ") + "\n",
            to: STDERR_FILENO
        )
    }

    private static func write(_ text: String, to descriptor: CInt) -> Bool {
        var text = text
        return text.withUTF8 { write(UnsafeRawBufferPointer($0), to: descriptor) }
    }

    /// Writes all of it; false where that fails, and `errno` says why.
    static func write(_ bytes: UnsafeRawBufferPointer, to descriptor: CInt) -> Bool {
        var rest = bytes
        while !rest.isEmpty {
            let written = Glibc.write(descriptor, rest.baseAddress, rest.count)
            if written < 0 && errno == EINTR { continue }
            guard written > 0 else { return false }
            rest = UnsafeRawBufferPointer(rebasing: rest[written...])
        }
        return true
    }
}

import Glibc

/// Standard output and standard error, line by line and unbuffered: what is read by a pipe is there when it is written.
enum Console {
    static func write(_ line: String) {
        write(line + "\n", to: STDOUT_FILENO)
    }

    /// For what is no result: errors, and how it goes.
    static func note(_ line: String) {
        write(
            "framebuffer: " + line.split(separator: "\n").joined(separator: "\nframebuffer: ") + "\n",
            to: STDERR_FILENO
        )
    }

    private static func write(_ text: String, to descriptor: CInt) {
        var text = text
        text.withUTF8 { bytes in
            var rest = UnsafeRawBufferPointer(bytes)
            while !rest.isEmpty {
                let written = Glibc.write(descriptor, rest.baseAddress, rest.count)
                if written < 0 && errno == EINTR { continue }
                guard written > 0 else { return }
                rest = UnsafeRawBufferPointer(rebasing: rest[written...])
            }
        }
    }
}

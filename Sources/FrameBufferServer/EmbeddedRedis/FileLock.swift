import Glibc

/// An open file with a lock that ends with the process, however that ends, or once every descriptor of this opening is closed.
struct FileLock: ~Copyable {
    let descriptor: CInt

    /// Opens the file, making it where it is missing, and takes its lock without waiting. Children don't inherit it.
    ///
    /// - Returns: nil where another opening of the file has the lock.
    /// - Throws: `SystemError` where it can't be opened or locked.
    static func take(_ path: String) throws(SystemError) -> FileLock? {
        let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw SystemError("open \(path)") }
        let lock = FileLock(descriptor: descriptor)
        guard flock(descriptor, LOCK_EX | LOCK_NB) != 0 else { return lock }
        guard errno == EWOULDBLOCK else { throw SystemError("lock \(path)") }
        return nil
    }

    private init(descriptor: CInt) {
        self.descriptor = descriptor
    }

    deinit { close(descriptor) }

    /// Gives the descriptor, and the duty to close it, to the caller.
    consuming func release() -> CInt {
        let descriptor = descriptor
        discard self
        return descriptor
    }

    /// Replaces what is in the file, for people and for `read`.
    borrowing func write(_ text: String) {
        ftruncate(descriptor, 0)
        var text = text
        text.withUTF8 { _ = pwrite(descriptor, $0.baseAddress, $0.count, 0) }
    }

    /// What the holder of the lock wrote into the file; empty where there is nothing.
    static func read(_ path: String) -> String {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return "" }
        defer { close(descriptor) }
        return String(unsafeUninitializedCapacity: 64) { max(0, pread(descriptor, $0.baseAddress, $0.count, 0)) }
    }
}

/// A failed call of the operating system, with its `errno` at the time.
struct SystemError: Error, CustomStringConvertible {
    let call: String
    let number: CInt

    init(_ call: String) {
        self.number = errno
        self.call = call
    }

    var description: String { "can't \(call): \(String(cString: strerror(number)))" }
}

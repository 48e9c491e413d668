/// The end of the program with a message and an exit code, which is one of `sysexits.h` where that has one that fits.
struct Failure: Error {
    static let general: Int32 = 1
    static let usage: Int32 = 64
    static let unreadableInput: Int32 = 66
    static let unavailable: Int32 = 69
    static let unusableOutput: Int32 = 73
    static let tryAgain: Int32 = 75
    static let unusableEnvironment: Int32 = 78

    let message: String
    let exitCode: Int32

    init(_ message: String, exitCode: Int32) {
        self.message = message
        self.exitCode = exitCode
    }
}

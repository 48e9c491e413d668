import NIOCore
import NIOHTTP1

/// What is being read from a connection: nothing yet, a head, a body, or nothing any more.
///
/// It does no I/O; requests that have come whole are its caller's.
struct RequestReader {
    private enum State {
        case idle
        /// The head has begun.
        case head(since: NIODeadline, readCycle: Int)
        /// The head has come, and ``incoming`` collects the body.
        case body
        /// What comes is thrown away.
        case stopped
    }

    /// What has come too late, if anything: see ``deadline(_:whileIdle:)``.
    enum Overdue {
        case request
        case head
        case body(isHead: Bool)
    }

    /// Counts the cycles of reading: what came in one was sent before what came in the next was answered.
    private(set) var cycle = 0
    private var isCycleOpen = false
    private var state = State.idle
    private var incoming: IncomingRequest?

    /// Whether what comes is thrown away.
    var isStopped: Bool { if case .stopped = state { true } else { false } }

    /// Whether no request has begun.
    var isIdle: Bool { if case .idle = state { true } else { false } }

    // MARK: - What comes

    /// Bytes have come. A cycle of reading ends with ``completed()``.
    mutating func bytesArrived() {
        if !isCycleOpen {
            isCycleOpen = true
            cycle += 1
        }
    }

    mutating func completed() {
        isCycleOpen = false
    }

    /// Some of a head has come, but not all.
    mutating func headBegan(now: NIODeadline) {
        if case .idle = state { state = .head(since: now, readCycle: cycle) }
    }

    /// The cycle in which a head that comes now began; nil where none is wanted.
    var cycleOfHead: Int? {
        switch state {
        case .idle: cycle
        case .head(_, let cycle): cycle
        case .body, .stopped: nil
        }
    }

    /// A head has come.
    mutating func begin(_ request: IncomingRequest) {
        incoming = request
        state = .body
    }

    /// How many bytes the body has that is coming; nil where none is.
    var bodyBytes: Int? { incoming?.body.readableBytes }

    /// A part of a body has come.
    mutating func append(_ part: ByteBuffer, now: NIODeadline) {
        incoming?.append(part, now: now)
    }

    /// A request has come whole; nil where none was coming.
    mutating func end() -> IncomingRequest? {
        guard let request = incoming.take() else { return nil }
        state = request.framing.persistence == .close ? .stopped : .idle
        return request
    }

    /// Nothing that comes is wanted any more.
    mutating func stop() {
        incoming = nil
        state = .stopped
    }

    /// True once for a request whose sender waits to be told to go on.
    mutating func takeContinue() -> Bool {
        guard incoming?.owesContinue == true else { return false }
        incoming?.owesContinue = false
        return true
    }

    // MARK: - Time

    /// The peer is heard again: what it could not be heard in is not held against it.
    mutating func resumed(now: NIODeadline) {
        incoming?.resumed(now: now)
        if case .head(_, let cycle) = state { state = .head(since: now, readCycle: cycle) }
    }

    /// Until when what is expected has to come; `idle`: until when the next request has to begin.
    func deadline(_ configuration: HTTPServerConfiguration, whileIdle idle: @autoclosure () -> NIODeadline?)
        -> NIODeadline?
    {
        switch state {
        case .idle: idle()
        case .head(let since, _): since + configuration.headDeadline
        case .body: incoming?.deadline(configuration)
        case .stopped: nil
        }
    }

    /// What is late once the deadline has passed; nil where nothing is expected.
    var overdue: Overdue? {
        switch state {
        case .idle: .request
        case .head: .head
        case .body: .body(isHead: incoming?.head.method == .HEAD)
        case .stopped: nil
        }
    }
}

import FoundationEssentials
import FrameTracking
import Glibc
import Logging
import Tracing

/// How long one kind of step takes.
struct TracingCost: Encodable {
    /// How a step begins.
    enum Operation: String, Encodable, CaseIterable {
        case inject, extract
    }

    /// What becomes of its span.
    enum Mode: String, Encodable, CaseIterable {
        case recorded
        case notSampled = "not sampled"
        case disabled
    }

    let operation: Operation
    let mode: Mode
    /// The median, in microseconds.
    let p50: Double
    /// What one in a hundred takes longer than, in microseconds.
    let p99: Double

    init(of operation: Operation, _ mode: Mode, steps: Int) {
        let tracer = mode.tracer(room: steps + TracingCost.warmUp)
        var message = ["frame_id": TracingCost.frameID, "_traceparent": TracingCost.traceparent]
        var nanoseconds: [Int64] = []
        nanoseconds.reserveCapacity(steps)
        let clock = ContinuousClock()
        for number in 0..<(steps + TracingCost.warmUp) {
            let start = clock.now
            switch operation {
            case .inject:
                TraceContext.inject(TracingCost.frameID, tracer: tracer) { $0.fill(handingOnTo: &message) }
            case .extract:
                TraceContext.extract(fromCarrier: message, tracer: tracer) { $0.fill(handingOnTo: &message) }
            }
            let passed = start.duration(to: clock.now)
            if number >= TracingCost.warmUp { nanoseconds.append(passed.components.attoseconds / 1_000_000_000) }
        }
        nanoseconds.sort()
        self.operation = operation
        self.mode = mode
        self.p50 = Double(nanoseconds[steps / 2]) / 1000
        self.p99 = Double(nanoseconds[steps * 99 / 100]) / 1000
    }

    /// The memory of this process that each of so many open contexts takes, with the event and the attributes in it.
    static func openContextBytes(contexts: Int) throws(Failure) -> Int {
        let tracer = Mode.recorded.tracer(room: 1)
        // Not in a closure that ends it, and so without `TraceContext`, which is no more than these two.
        var open: [(frameID: String, span: FrameSpan)] = []
        open.reserveCapacity(contexts)
        let before = try residentBytes()
        for _ in 0..<contexts {
            let span: FrameSpan = tracer.startSpan(TraceContext.defaultOperation)
            span.attributes["frame.id"] = frameID
            span.addEvent("frame_processed")
            span.attributes["camera.id"] = "cam01"
            span.attributes["frame.size"] = 50_000
            span.attributes["queue.name"] = "frames:queue"
            open.append((frameID, span))
        }
        let taken = try residentBytes() - before
        for (_, span) in open { span.end() }
        return taken / contexts
    }

    // MARK: Private

    /// Steps that are not counted, until all is warm.
    private static let warmUp = 10_000
    private static let frameID = "1753608701224_http_cam01_0001_ccade578"
    private static let traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

    private static func residentBytes() throws(Failure) -> Int {
        guard let text = try? String(contentsOfFile: "/proc/self/statm", encoding: .utf8),
            let pages = text.split(separator: " ").dropFirst().first.flatMap({ Int($0) })
        else { throw Failure("/proc/self/statm can't be read", exitCode: Failure.general) }
        return pages * sysconf(CInt(_SC_PAGESIZE))
    }
}

extension TracingCost.Mode {
    /// A tracer with room for so many spans. It isn't run, and so sends none of them.
    fileprivate func tracer(room: Int) -> FrameTracer {
        var settings = TracingSettings()
        settings.batching.maximumQueueSize = room
        switch self {
        case .recorded: break
        case .notSampled: settings.sampler = .alwaysOff
        case .disabled: settings.isDisabled = true
        }
        return FrameTracer(settings: settings, logger: Logger(label: "bench"))
    }
}

extension TraceContext {
    /// What the guide's example does within a step.
    fileprivate func fill(handingOnTo message: inout [String: String]) {
        addEvent("frame_processed")
        setAttribute("camera.id", "cam01")
        setAttribute("frame.size", 50_000)
        setAttribute("queue.name", "frames:queue")
        inject(toCarrier: &message)
    }
}

import Logging
import Tracing

extension FrameTracer {
    /// The tracer that this process was set up with by `InstrumentationSystem.bootstrap`; without one, a tracer that
    /// propagates contexts and exports nothing.
    public static var current: FrameTracer {
        InstrumentationSystem.tracer as? FrameTracer ?? propagating
    }

    private static let propagating: FrameTracer = {
        var settings = TracingSettings()
        settings.exporter = .none
        return FrameTracer(settings: settings, logger: Logger(label: "frame-tracking"))
    }()
}

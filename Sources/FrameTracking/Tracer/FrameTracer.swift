public import Logging

/// Starts spans and hands ended ones to the exporter: the process' one entry to tracing.
///
/// Run it as a service, so that spans are exported; without that they wait in a bounded queue, and everything else
/// works. Programs use it by ``TraceContext``, and through swift-distributed-tracing.
public final class FrameTracer: Sendable {
    /// The version of this library, which spans are sent with.
    public static let version = "0.1.0"

    /// Whether spans are made at all. If not (`OTEL_SDK_DISABLED=true`), the caller's context is passed on as it came,
    /// and where there is none, none is made.
    public let isEnabled: Bool

    /// What carries contexts into this process and out of it.
    package let propagators: Propagators

    let settings: TracingSettings
    let logger: Logger
    /// nil if nothing is exported.
    let processor: BatchSpanProcessor?
    private let sampler: Sampler
    private let limits: SpanRecord.Limits
    private let identifiers: IdentifierGenerator

    /// A tracer that works as `settings` say. Their warnings are the caller's to log.
    public convenience init(
        settings: TracingSettings,
        logger: Logger,
        identifiers: IdentifierGenerator = .shared
    ) {
        let isExporting = !settings.isDisabled && settings.exporter != .none
        var batching = settings.batching
        // Whoever watches a console wants to see a span when it ends: the specification's "simple processor".
        if settings.exporter == .console { batching.maximumBatchSize = 1 }
        self.init(
            settings: settings,
            logger: logger,
            identifiers: identifiers,
            processor: isExporting ? BatchSpanProcessor(settings: batching, logger: logger) : nil
        )
    }

    init(
        settings: TracingSettings,
        logger: Logger,
        identifiers: IdentifierGenerator,
        processor: BatchSpanProcessor?
    ) {
        self.propagators = settings.propagators
        self.isEnabled = !settings.isDisabled
        self.settings = settings
        self.logger = logger
        self.sampler = settings.sampler
        self.limits = SpanRecord.Limits(settings.spanLimits)
        self.identifiers = identifiers
        self.processor = processor
    }

    // MARK: Spans

    /// Starts a span under `parent`, or a new trace without one.
    ///
    /// - Parameters:
    ///   - attributes: what it says as many others do.
    ///   - start: nanoseconds since 1970; without it, now.
    package func startSpan(
        _ name: String,
        kind: SpanRecord.Kind = .internal,
        parent: SpanContext? = nil,
        attributes: AttributeSet? = nil,
        at start: UInt64? = nil
    ) -> SpanRecord {
        guard isEnabled else { return SpanRecord(unrecorded: parent) }
        let traceID = parent?.traceID ?? identifiers.makeTraceID()
        var flags = parent?.flags.intersection(.random) ?? .random
        let isSampled = sampler.samples(traceID, parent: parent)
        if isSampled { flags.insert(.sampled) }
        let context = SpanContext(
            traceID: traceID,
            spanID: identifiers.makeSpanID(),
            flags: flags,
            traceState: parent?.traceState
        )
        guard isSampled, processor != nil else { return SpanRecord(unrecorded: context) }
        return SpanRecord(
            name,
            kind,
            context,
            parent: parent,
            attributes: attributes,
            limits: limits,
            start: start ?? WallClock.nanoseconds()
        )
    }

    /// Ends a span, at `end` in nanoseconds since 1970 or now, and hands it over to be exported. Never waits.
    package func end(_ span: SpanRecord, at end: UInt64? = nil) {
        guard span.isRecording, let processor else { return }
        // The machine's clock may have been set back meanwhile; a span that ends before it starts is refused.
        span.end = max(span.start, end ?? WallClock.nanoseconds())
        processor.enqueue(span)
    }

    // MARK: Looking

    /// What became of the spans so far.
    public var statistics: TracingStatistics {
        let exporter = isEnabled ? settings.exporter.rawValue : "disabled"
        return processor?.statistics(exporter: exporter) ?? TracingStatistics(exporter: exporter)
    }
}

import Instrumentation
public import Tracing

/// The backend of swift-distributed-tracing.
extension FrameTracer: Tracer {
    /// Starts a span under the span of `context`, or a new trace.
    public func startSpan<Instant: TracerInstant>(
        _ operationName: String,
        context: @autoclosure () -> ServiceContext,
        ofKind kind: SpanKind,
        at instant: @autoclosure () -> Instant,
        function: String,
        file fileID: String,
        line: UInt
    ) -> FrameSpan {
        let context = context()
        let record = startSpan(
            operationName,
            kind: SpanRecord.Kind(kind),
            parent: context.spanContext,
            at: instant().nanosecondsSinceEpoch
        )
        return FrameSpan(operationName, record, in: context, tracer: self)
    }

    /// Has the spans that wait exported soon, without waiting for it.
    public func forceFlush() {
        processor?.exportSoon()
    }

    // MARK: Propagation

    /// A context on its way into this process or out of it; nil if such are not carried.
    func carried(_ context: SpanContext?) -> SpanContext? {
        propagators.contains(.traceContext) ? context : nil
    }

    /// The same, of baggage.
    func carried(_ baggage: Baggage?) -> Baggage? {
        propagators.contains(.baggage) ? baggage : nil
    }

    /// Writes `traceparent` and `tracestate` of the context's span, and its `baggage`, as far as there are any.
    public func inject<Carrier, Inject>(
        _ context: ServiceContext,
        into carrier: inout Carrier,
        using injector: Inject
    ) where Inject: Injector, Inject.Carrier == Carrier {
        if propagators.contains(.traceContext), let span = context.spanContext {
            injector.inject(TraceParent.format(span), forKey: "traceparent", into: &carrier)
            if let traceState = span.traceState {
                injector.inject(traceState.rawValue, forKey: "tracestate", into: &carrier)
            }
        }
        if propagators.contains(.baggage), let baggage = context.baggage {
            injector.inject(baggage.rawValue, forKey: "baggage", into: &carrier)
        }
    }

    /// Makes the span that `traceparent` and `tracestate` name the context's, and `baggage` its baggage, each if it is
    /// valid.
    public func extract<Carrier, Extract>(
        _ carrier: Carrier,
        into context: inout ServiceContext,
        using extractor: Extract
    ) where Extract: Extractor, Extract.Carrier == Carrier {
        if propagators.contains(.traceContext), let traceparent = extractor.extract(key: "traceparent", from: carrier),
            let parent = SpanContext(
                traceparent: traceparent,
                tracestate: extractor.extract(key: "tracestate", from: carrier)
            )
        {
            context.spanContext = parent
        }
        if propagators.contains(.baggage),
            let baggage = extractor.extract(key: "baggage", from: carrier).flatMap({ Baggage($0) })
        {
            context.baggage = baggage
        }
    }
}

extension SpanRecord.Kind {
    init(_ kind: SpanKind) {
        switch kind {
        case .internal: self = .internal
        case .server: self = .server
        case .client: self = .client
        case .producer: self = .producer
        case .consumer: self = .consumer
        }
    }
}

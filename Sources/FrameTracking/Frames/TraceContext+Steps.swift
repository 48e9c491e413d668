import Instrumentation
public import Tracing

/// Steps in a frame's way, as functions that run synchronously and ones that may suspend.
///
/// `inject` goes on in the current trace, or starts one. The forms of `extract` go on in the trace that came with the
/// frame; if none came, or a malformed one, they do as `inject` does.
extension TraceContext {
    /// The name of a step's span, if no other is given.
    public static let defaultOperation = "process frame"

    /// A step that begins here.
    public static func inject<Result>(
        _ frameID: String,
        operation: String = defaultOperation,
        ofKind kind: SpanKind = .internal,
        tracer: FrameTracer = .current,
        _ body: (TraceContext) throws -> Result
    ) rethrows -> Result {
        try tracer.withSpan(operation, ofKind: kind) { try body(TraceContext(frameID: frameID, span: $0)) }
    }

    /// A step that begins here.
    public static func inject<Result>(
        _ frameID: String,
        operation: String = defaultOperation,
        ofKind kind: SpanKind = .internal,
        tracer: FrameTracer = .current,
        _ body: (TraceContext) async throws -> Result
    ) async rethrows -> Result {
        try await tracer.withSpan(operation, ofKind: kind) { try await body(TraceContext(frameID: frameID, span: $0)) }
    }

    /// A step after the one in a message's `_traceparent` and `_tracestate`, with its `_baggage`; its `frame_id` is the
    /// frame's.
    public static func extract<Result>(
        fromCarrier carrier: [String: String],
        operation: String = defaultOperation,
        tracer: FrameTracer = .current,
        _ body: (TraceContext) throws -> Result
    ) rethrows -> Result {
        let parent = SpanContext(carrier: carrier)
        let baggage = (carrier["_baggage"] ?? carrier["baggage"]).flatMap { Baggage($0) }
        return try step(after: parent, with: baggage, carrier["frame_id"], operation, .consumer, tracer, body)
    }

    /// A step after the one in a message's `_traceparent` and `_tracestate`, with its `_baggage`; its `frame_id` is the
    /// frame's.
    public static func extract<Result>(
        fromCarrier carrier: [String: String],
        operation: String = defaultOperation,
        tracer: FrameTracer = .current,
        _ body: (TraceContext) async throws -> Result
    ) async rethrows -> Result {
        let parent = SpanContext(carrier: carrier)
        let baggage = (carrier["_baggage"] ?? carrier["baggage"]).flatMap { Baggage($0) }
        return try await step(after: parent, with: baggage, carrier["frame_id"], operation, .consumer, tracer, body)
    }

    /// A step after the one in a `traceparent` header and the `tracestate` header beside it.
    public static func extract<Result>(
        fromHeader traceparent: String?,
        tracestate: String? = nil,
        operation: String = defaultOperation,
        tracer: FrameTracer = .current,
        _ body: (TraceContext) throws -> Result
    ) rethrows -> Result {
        let parent = traceparent.flatMap { SpanContext(traceparent: $0, tracestate: tracestate) }
        return try step(after: parent, nil, operation, .server, tracer, body)
    }

    /// A step after the one in a `traceparent` header and the `tracestate` header beside it.
    public static func extract<Result>(
        fromHeader traceparent: String?,
        tracestate: String? = nil,
        operation: String = defaultOperation,
        tracer: FrameTracer = .current,
        _ body: (TraceContext) async throws -> Result
    ) async rethrows -> Result {
        let parent = traceparent.flatMap { SpanContext(traceparent: $0, tracestate: tracestate) }
        return try await step(after: parent, nil, operation, .server, tracer, body)
    }

    /// A step after the one in a `trace_context` object.
    public static func extract<Result>(
        fromDictionary dictionary: [String: String],
        operation: String = defaultOperation,
        tracer: FrameTracer = .current,
        _ body: (TraceContext) throws -> Result
    ) rethrows -> Result {
        try step(after: SpanContext(dictionary: dictionary), nil, operation, .consumer, tracer, body)
    }

    /// A step after the one in a `trace_context` object.
    public static func extract<Result>(
        fromDictionary dictionary: [String: String],
        operation: String = defaultOperation,
        tracer: FrameTracer = .current,
        _ body: (TraceContext) async throws -> Result
    ) async rethrows -> Result {
        try await step(after: SpanContext(dictionary: dictionary), nil, operation, .consumer, tracer, body)
    }

    /// A step after the one that handed the frame on.
    public static func extract<Result>(
        fromMetadata metadata: FrameMetadata,
        operation: String = defaultOperation,
        tracer: FrameTracer = .current,
        _ body: (TraceContext) throws -> Result
    ) rethrows -> Result {
        try step(after: metadata.spanContext, metadata.frameID, operation, .consumer, tracer, body)
    }

    /// A step after the one that handed the frame on.
    public static func extract<Result>(
        fromMetadata metadata: FrameMetadata,
        operation: String = defaultOperation,
        tracer: FrameTracer = .current,
        _ body: (TraceContext) async throws -> Result
    ) async rethrows -> Result {
        try await step(after: metadata.spanContext, metadata.frameID, operation, .consumer, tracer, body)
    }

    // MARK: The one behind them

    private static func step<Result>(
        after parent: SpanContext?,
        with baggage: Baggage? = nil,
        _ frameID: String?,
        _ operation: String,
        _ kind: SpanKind,
        _ tracer: FrameTracer,
        _ body: (TraceContext) throws -> Result
    ) rethrows -> Result {
        try tracer.withSpan(
            operation,
            context: context(after: tracer.carried(parent), tracer.carried(baggage)),
            ofKind: kind
        ) { span in
            try body(TraceContext(frameID: frameID, span: span))
        }
    }

    private static func step<Result>(
        after parent: SpanContext?,
        with baggage: Baggage? = nil,
        _ frameID: String?,
        _ operation: String,
        _ kind: SpanKind,
        _ tracer: FrameTracer,
        _ body: (TraceContext) async throws -> Result
    ) async rethrows -> Result {
        try await tracer.withSpan(
            operation,
            context: context(after: tracer.carried(parent), tracer.carried(baggage)),
            ofKind: kind
        ) { span in
            try await body(TraceContext(frameID: frameID, span: span))
        }
    }

    private static func context(after parent: SpanContext?, _ baggage: Baggage?) -> ServiceContext {
        var context = ServiceContext.current ?? .topLevel
        if let parent { context.spanContext = parent }
        if let baggage { context.baggage = baggage }
        return context
    }
}

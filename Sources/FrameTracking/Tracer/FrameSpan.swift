import Synchronization
public import Tracing

/// A span of swift-distributed-tracing, which may be shared between tasks.
public final class FrameSpan: Tracing.Span {
    /// The context for whatever happens within this span.
    public let context: ServiceContext

    /// Whether what is told to this span will be exported.
    public var isRecording: Bool { state.withLock { $0.record?.isRecording ?? false } }

    let tracer: FrameTracer
    private let state: Mutex<State>

    private struct State {
        /// nil once the span has ended.
        var record: SpanRecord?
        var name: String
        /// Kept as swift-distributed-tracing has them, which reads and writes them all at each change.
        var attributes = SpanAttributes()
        /// The type and message of the last error that was recorded.
        var lastError: (type: String, message: String)?
    }

    init(_ record: SpanRecord, in context: ServiceContext, tracer: FrameTracer) {
        var context = context
        context.spanContext = record.context
        self.context = context
        self.tracer = tracer
        self.state = Mutex(State(record: record, name: record.name))
    }

    // MARK: Filling

    /// What the span is called.
    public var operationName: String {
        get { state.withLock { $0.name } }
        set {
            state.withLock { state in
                state.name = newValue
                state.record?.name = newValue
            }
        }
    }

    /// The span's attributes; changes after its end are lost.
    public var attributes: SpanAttributes {
        get { state.withLock { $0.attributes } }
        set { state.withLock { if $0.record?.isRecording == true { $0.attributes = newValue } } }
    }

    /// Sets one attribute.
    func setAttribute(_ name: String, _ value: SpanAttribute) {
        state.withLock { if $0.record?.isRecording == true { $0.attributes.set(name, value: value) } }
    }

    /// Says how the work ended.
    public func setStatus(_ status: SpanStatus) {
        state.withLock { $0.record?.setStatus(SpanRecord.Status(status)) }
    }

    /// Adds an event.
    public func addEvent(_ event: SpanEvent) {
        state.withLock { state in
            state.record?.addEvent(
                event.name,
                at: event.nanosecondsSinceEpoch,
                attributes: SpanRecord.attributes(event.attributes)
            )
        }
    }

    /// Links another span, if its context names one.
    public func addLink(_ link: SpanLink) {
        guard let context = link.context.spanContext else { return }
        state.withLock { state in
            state.record?.addLink(SpanRecord.Link(context, attributes: SpanRecord.attributes(link.attributes)))
        }
    }

    /// Adds the event `exception`, and `error.type` if it was not set by then. An error that is recorded and then leaves
    /// the span, which records it too, is there once.
    public func recordError<Instant: TracerInstant>(
        _ error: any Error,
        attributes: SpanAttributes,
        at instant: @autoclosure () -> Instant
    ) {
        let type = String(reflecting: type(of: error))
        let message = String(describing: error)
        let time = instant().nanosecondsSinceEpoch
        var attributes = attributes
        attributes.set("exception.type", value: .string(type))
        attributes.set("exception.message", value: .string(message))
        state.withLock { state in
            guard state.record?.isRecording == true else { return }
            if let last = state.lastError, last == (type, message) { return }
            state.lastError = (type, message)
            state.record?.addEvent("exception", at: time, attributes: SpanRecord.attributes(attributes))
            if state.attributes.get("error.type") == nil { state.attributes.set("error.type", value: .string(type)) }
        }
    }

    // MARK: Ending

    /// Ends the span and hands it over to be exported; a second end does nothing.
    public func end<Instant: TracerInstant>(at instant: @autoclosure () -> Instant) {
        let ended = state.withLock { state in
            guard var record = state.record.take() else { return nil as SpanRecord? }
            for attribute in SpanRecord.attributes(state.attributes) { record.setAttribute(attribute) }
            return record
        }
        if let ended { tracer.end(ended, at: instant().nanosecondsSinceEpoch) }
    }
}

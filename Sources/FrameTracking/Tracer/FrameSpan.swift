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

    fileprivate struct State {
        /// nil once the span has ended.
        var record: SpanRecord?
        var name: String
        var isRenamed = false
        /// In the order in which they were set; a list, as `SpanAttributes` would take twice the memory.
        var attributes: [(name: String, value: SpanAttribute)] = []
        /// The type and message of the last error that was recorded.
        var lastError: (type: String, message: String)?
    }

    init(_ name: String, _ record: sending SpanRecord, in context: ServiceContext, tracer: FrameTracer) {
        var context = context
        context.spanContext = record.context
        self.context = context
        self.tracer = tracer
        self.state = Mutex(State(record: record, name: name))
    }

    // MARK: Filling

    /// What the span is called.
    public var operationName: String {
        get { state.withLock { $0.name } }
        set {
            state.withLock { state in
                state.name = newValue
                state.isRenamed = true
            }
        }
    }

    /// The span's attributes; changes after its end are lost.
    public var attributes: SpanAttributes {
        get { state.withLock { SpanAttributes($0.attributes) } }
        set { state.withLock { $0.setAttributes(newValue) } }
    }

    /// Sets one attribute.
    func setAttribute(_ name: String, _ value: SpanAttribute) {
        state.withLock { $0.setAttribute(name, value) }
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
            state.record?.addLink(context, attributes: SpanRecord.attributes(link.attributes))
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
            if !state.attributes.contains(where: { $0.name == "error.type" }) {
                state.setAttribute("error.type", .string(type))
            }
        }
    }

    // MARK: Ending

    /// Ends the span and hands it over to be exported; a second end does nothing.
    public func end<Instant: TracerInstant>(at instant: @autoclosure () -> Instant) {
        let time = instant().nanosecondsSinceEpoch
        state.withLock { state in
            guard let record = state.record.take() else { return }
            if state.isRenamed { record.rename(state.name) }
            for (name, value) in state.attributes {
                if !name.isEmpty, let value = AttributeValue(value) { record.setAttribute(.init(name, value)) }
            }
            tracer.end(record, at: time)
        }
    }
}

extension FrameSpan.State {
    fileprivate mutating func setAttribute(_ name: String, _ value: SpanAttribute) {
        guard record?.isRecording == true else { return }
        if let index = attributes.firstIndex(where: { $0.name == name }) {
            attributes[index].value = value
        } else {
            attributes.append((name, value))
        }
    }

    /// Takes `new` in place of all that was set; those that are there already stay in their places.
    fileprivate mutating func setAttributes(_ new: SpanAttributes) {
        guard record?.isRecording == true else { return }
        attributes.removeAll { new.get($0.name) == nil }
        new.forEach { setAttribute($0, $1) }
    }
}

extension SpanAttributes {
    fileprivate init(_ list: [(name: String, value: SpanAttribute)]) {
        self.init([:])
        for (name, value) in list { set(name, value: value) }
    }
}

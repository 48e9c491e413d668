/// A span while it is being filled, owned by whoever does the work it describes: an object, as it is handed on several times,
/// and a struct of its size would be copied each time.
///
/// What it is told is written down at once in the form in which it will be sent (``SpanFields``). When the span is not recorded
/// the setters do nothing, so callers need not ask first.
package final class SpanRecord {
    /// The context to pass on: the span's own, or where tracing is disabled the caller's, as it came. nil where
    /// tracing is disabled and the caller had none.
    package let context: SpanContext?
    /// Whether the setters do anything and the span will be exported.
    package let isRecording: Bool
    /// When the work began, in nanoseconds since 1970.
    package let start: UInt64
    /// When the work ended, in nanoseconds since 1970; 0 until then.
    package internal(set) var end: UInt64 = 0

    /// What it says, but when and how it ended.
    private(set) var fields: SpanFields
    /// How the work ended.
    package private(set) var status = Status.unset
    /// How much there is room for.
    private let limits: Limits

    // MARK: Making

    /// A span that is recorded.
    init(
        _ name: String,
        _ kind: Kind,
        _ context: SpanContext,
        parent: SpanContext?,
        attributes: AttributeSet?,
        limits: Limits,
        start: UInt64
    ) {
        self.context = context
        self.isRecording = true
        self.limits = limits
        self.start = start
        fields = SpanFields(name, kind, context, parent: parent, attributes: attributes, limits, at: start)
    }

    /// A span that only carries a context.
    init(unrecorded context: SpanContext?) {
        self.context = context
        self.isRecording = false
        self.limits = .standard
        self.start = 0
        fields = SpanFields()
    }

    // MARK: Filling

    /// Gives the span another name.
    package func rename(_ name: String) {
        guard isRecording else { return }
        fields.rename(name)
    }

    /// Sets an attribute to a text, in place of a former value of the same key.
    package func setAttribute(_ key: StaticString, _ value: String) {
        guard isRecording else { return }
        value.withBytes { fields.setAttribute(key, $0, limits) }
    }

    /// Sets an attribute to a text in UTF-8, in place of a former value of the same key.
    package func setAttribute(_ key: StaticString, _ value: UnsafeRawBufferPointer) {
        guard isRecording else { return }
        fields.setAttribute(key, value, limits)
    }

    /// Sets an attribute to a number, in place of a former value of the same key.
    package func setAttribute(_ key: StaticString, _ value: Int) {
        guard isRecording else { return }
        fields.setAttribute(key, value, limits)
    }

    /// Sets any attribute, in place of a former value of the same key.
    package func setAttribute(_ attribute: consuming Attribute) {
        guard isRecording else { return }
        fields.setAttribute(attribute, limits)
    }

    /// Adds an event at `time`, in nanoseconds since 1970; without it, now.
    package func addEvent(_ name: String, at time: UInt64? = nil, attributes: [Attribute] = []) {
        guard isRecording else { return }
        fields.addEvent(name, at: time ?? WallClock.nanoseconds(), attributes, limits)
    }

    /// Links the span to another one, of any trace, that it has to do with other than by being its child.
    package func addLink(_ context: SpanContext, attributes: [Attribute] = []) {
        guard isRecording else { return }
        fields.addLink(context, attributes, limits)
    }

    /// Says how the work ended. As the specification has it, `ok` is final and `unset` changes nothing.
    package func setStatus(_ status: Status) {
        guard isRecording, self.status != .ok, status != .unset else { return }
        self.status = status
    }

    /// Marks the work as failed: status `error`, and `error.type` by its low-cardinality name.
    package func setError(type: String, message: String? = nil) {
        setStatus(.error(message))
        setAttribute("error.type", type)
    }
}

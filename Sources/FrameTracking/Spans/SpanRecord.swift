/// A span while it is being filled: a plain value, owned by whoever does the work it describes.
///
/// It costs one allocation, for its attributes; a literal key or value costs none. When the span is not recorded the
/// setters do nothing, so callers need not ask first.
package struct SpanRecord: Sendable {
    /// What the span was called when it started, or renamed to since.
    package var name: String
    /// The part that the span plays between processes.
    package let kind: Kind
    /// The context to pass on: the span's own, or where tracing is disabled the caller's, as it came. nil where
    /// tracing is disabled and the caller had none.
    package let context: SpanContext?
    /// The span above this one; nil at the root of a trace.
    package let parentSpanID: SpanID?
    /// Whether the parent is in another process; nil at the root of a trace.
    package let parentIsRemote: Bool?
    /// Whether the setters do anything and the span will be exported.
    package let isRecording: Bool
    /// When the work began, in nanoseconds since 1970.
    package let start: UInt64
    /// When the work ended, in nanoseconds since 1970; 0 until then.
    package internal(set) var end: UInt64 = 0

    /// The properties of the work; keys are distinct.
    package private(set) var attributes: [Attribute] = []
    /// What happened on the way.
    package private(set) var events: [Event] = []
    /// Spans that this one has to do with.
    package private(set) var links: [Link] = []
    /// How the work ended.
    package private(set) var status = Status.unset
    /// How many attributes there was no room for.
    package private(set) var droppedAttributes: UInt32 = 0
    /// How many events there was no room for.
    package private(set) var droppedEvents: UInt32 = 0
    /// How many links there was no room for.
    package private(set) var droppedLinks: UInt32 = 0

    /// A bit for each length that a key has: most keys are the first of theirs, and need no search for a former value.
    private var keyLengths: UInt64 = 0

    /// How much there is room for.
    private let limits: Limits
    /// Room for the attributes of a messaging span without a second allocation.
    private static let expectedAttributes = 16

    // MARK: Making

    /// A span that is recorded.
    init(
        name: String,
        kind: Kind,
        context: SpanContext,
        parent: SpanContext?,
        links: [Link],
        limits: Limits = .standard,
        start: UInt64
    ) {
        self.name = name
        self.kind = kind
        self.context = context
        self.parentSpanID = parent?.spanID
        self.parentIsRemote = parent?.isRemote
        self.isRecording = true
        self.limits = limits
        self.start = start
        attributes.reserveCapacity(SpanRecord.expectedAttributes)
        for link in links { addLink(link) }
    }

    /// A span that only carries a context.
    init(unrecorded name: String, kind: Kind, context: SpanContext?) {
        self.name = name
        self.kind = kind
        self.context = context
        self.parentSpanID = nil
        self.parentIsRemote = nil
        self.isRecording = false
        self.limits = .standard
        self.start = 0
    }

    // MARK: Filling

    /// Sets an attribute, in place of a former value of the same key.
    package mutating func setAttribute(_ key: consuming String, _ value: consuming AttributeValue) {
        guard isRecording else { return }
        let value = limits.applied(to: value)
        let length: UInt64 = 1 << min(UInt64(key.utf8.count), 63)
        if keyLengths & length != 0, let index = attributes.firstIndex(where: { $0.hasKey(key) }) {
            attributes[index].value = value
        } else if attributes.count < limits.attributes {
            keyLengths |= length
            attributes.append(Attribute(key, value))
        } else {
            droppedAttributes += 1
        }
    }

    /// Adds an event at `time`, in nanoseconds since 1970; without it, now.
    package mutating func addEvent(_ name: String, at time: UInt64? = nil, attributes: [Attribute] = []) {
        guard isRecording else { return }
        if events.count < limits.events {
            var attributes = attributes
            let dropped = limits.apply(to: &attributes, count: limits.attributesOfAnEvent)
            events.append(
                Event(
                    name: name,
                    time: time ?? WallClock.nanoseconds(),
                    attributes: attributes,
                    droppedAttributes: dropped
                )
            )
        } else {
            droppedEvents += 1
        }
    }

    /// Links the span to another one, of any trace.
    package mutating func addLink(_ link: Link) {
        guard isRecording else { return }
        if links.count < limits.links {
            var link = link
            link.apply(limits)
            links.append(link)
        } else {
            droppedLinks += 1
        }
    }

    /// Says how the work ended. As the specification has it, `ok` is final and `unset` changes nothing.
    package mutating func setStatus(_ status: Status) {
        guard isRecording, self.status != .ok, status != .unset else { return }
        self.status = status
    }

    /// Marks the work as failed: status `error`, and `error.type` by its low-cardinality name.
    package mutating func setError(type: String, message: String? = nil) {
        setStatus(.error(message))
        setAttribute("error.type", .string(type))
    }
}

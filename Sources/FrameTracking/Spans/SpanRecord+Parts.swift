extension SpanRecord {
    /// The part that a span plays between processes; the raw values are OTLP's.
    package enum Kind: UInt8, Sendable {
        /// None: the work stays within the process.
        case `internal` = 1
        /// It answers a request.
        case server = 2
        /// It makes a request.
        case client = 3
        /// It hands a message on.
        case producer = 4
        /// It takes a message.
        case consumer = 5
    }

    /// How the work ended.
    package enum Status: Hashable, Sendable {
        /// Without anything to say about it.
        case unset
        /// Well, by the word of whoever knows.
        case ok
        /// Badly, for this reason.
        case error(String?)
    }

    /// A property of a span, an event or a link. The key is not empty.
    package struct Attribute: Hashable, Sendable {
        /// What the property is called, dotted as in the semantic conventions.
        package let key: String
        /// What it is.
        package internal(set) var value: AttributeValue

        /// A property of its name and value.
        package init(_ key: consuming String, _ value: consuming AttributeValue) {
            self.key = key
            self.value = value
        }

        /// Lengths are compared first: nearly all keys of a span differ in them, and `==` does not look there.
        @inline(__always)
        func hasKey(_ key: String) -> Bool {
            self.key.utf8.count == key.utf8.count && self.key == key
        }
    }

    /// Something that happened at one moment of a span.
    package struct Event: Hashable, Sendable {
        /// What happened.
        package let name: String
        /// Nanoseconds since 1970.
        package let time: UInt64
        /// The event's properties; keys are distinct.
        package internal(set) var attributes: [Attribute]
        /// How many properties there was no room for.
        package internal(set) var droppedAttributes: UInt32 = 0
    }

    /// A span that this one has to do with, other than by being its child.
    package struct Link: Hashable, Sendable {
        /// The other span.
        package let context: SpanContext
        /// What it has to do with this one; keys are distinct.
        package internal(set) var attributes: [Attribute]
        /// How many properties there was no room for.
        package internal(set) var droppedAttributes: UInt32 = 0

        /// A link to the span of `context`.
        package init(_ context: SpanContext, attributes: [Attribute] = []) {
            self.context = context
            self.attributes = attributes
        }
    }
}

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

    /// A property of a span, an event or a link, whose keys are distinct. The key is not empty.
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
    }
}

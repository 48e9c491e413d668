/// The messages of opentelemetry-proto's `trace.proto` and `common.proto`, as far as they are sent from here.
enum OTLPMessage {
    /// `ExportTraceServiceRequest`.
    case request
    case resourceSpans, resource, scopeSpans, scope
    case span, event, link, status
    /// `KeyValue`.
    case attribute
    /// `AnyValue`.
    case value
    /// `ArrayValue`.
    case list

    struct Field: Sendable {
        let number: UInt64
        let name: StaticString
        let form: Form

        init(_ number: UInt64, _ name: StaticString, _ form: Form) {
            self.number = number
            self.name = name
            self.form = form
        }
    }

    /// What a field holds, and so how OTLP writes it in JSON.
    enum Form: Sendable {
        case text
        /// Bytes, in hexadecimal digits.
        case identifier
        /// A number of up to 32 bits, or of an enumeration.
        case number
        /// A number of 64 bits, as a text.
        case wideNumber
        case double
        case bool
        case message(OTLPMessage)
        case messages(OTLPMessage)
    }

    var fields: [Field] {
        switch self {
        case .request: [Field(1, "resourceSpans", .messages(.resourceSpans))]
        case .resourceSpans: Self.resourceSpansFields
        case .resource: [Field(1, "attributes", .messages(.attribute))]
        case .scopeSpans: Self.scopeSpansFields
        case .scope: [Field(1, "name", .text), Field(2, "version", .text)]
        case .span: Self.spanFields
        case .event: Self.eventFields
        case .link: Self.linkFields
        case .status: [Field(2, "message", .text), Field(3, "code", .number)]
        case .attribute: Self.attributeFields
        case .value: Self.valueFields
        case .list: [Field(1, "values", .messages(.value))]
        }
    }

    private static let resourceSpansFields = [
        Field(1, "resource", .message(.resource)), Field(2, "scopeSpans", .messages(.scopeSpans)),
        Field(3, "schemaUrl", .text),
    ]
    private static let scopeSpansFields = [
        Field(1, "scope", .message(.scope)), Field(2, "spans", .messages(.span)), Field(3, "schemaUrl", .text),
    ]
    private static let spanFields = [
        Field(1, "traceId", .identifier), Field(2, "spanId", .identifier), Field(3, "traceState", .text),
        Field(16, "flags", .number), Field(4, "parentSpanId", .identifier), Field(5, "name", .text),
        Field(6, "kind", .number), Field(7, "startTimeUnixNano", .wideNumber), Field(8, "endTimeUnixNano", .wideNumber),
        Field(9, "attributes", .messages(.attribute)), Field(10, "droppedAttributesCount", .number),
        Field(11, "events", .messages(.event)), Field(12, "droppedEventsCount", .number),
        Field(13, "links", .messages(.link)), Field(14, "droppedLinksCount", .number),
        Field(15, "status", .message(.status)),
    ]
    private static let eventFields = [
        Field(1, "timeUnixNano", .wideNumber), Field(2, "name", .text), Field(3, "attributes", .messages(.attribute)),
        Field(4, "droppedAttributesCount", .number),
    ]
    private static let linkFields = [
        Field(1, "traceId", .identifier), Field(2, "spanId", .identifier), Field(3, "traceState", .text),
        Field(6, "flags", .number), Field(4, "attributes", .messages(.attribute)),
        Field(5, "droppedAttributesCount", .number),
    ]
    private static let attributeFields = [Field(1, "key", .text), Field(2, "value", .message(.value))]
    private static let valueFields = [
        Field(1, "stringValue", .text), Field(2, "boolValue", .bool), Field(3, "intValue", .wideNumber),
        Field(4, "doubleValue", .double), Field(5, "arrayValue", .message(.list)),
    ]
}

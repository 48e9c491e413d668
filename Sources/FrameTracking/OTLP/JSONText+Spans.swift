/// The messages of opentelemetry-proto's `trace.proto` and `common.proto`, in OTLP's JSON: identifiers in hexadecimal
/// digits, enumerations as numbers, numbers of 64 bits as texts; what has its default value is left out.
extension JSONText {
    /// A `Span`.
    mutating func span(_ span: borrowing SpanRecord) {
        guard let context = span.context else { return }
        let (name, kind, parent, start, end) = (span.name, span.kind, span.parentSpanID, span.start, span.end)
        let (fields, status) = (span.fields, span.status)
        let (attributes, events, links) = (fields.attributes, fields.events, fields.links)
        let isRemote = span.parentIsRemote ?? false
        object { json in
            json.context(context, isRemote: isRemote)
            if let parent {
                json.key("parentSpanId")
                json.string(parent.hex)
            }
            json.key("name")
            json.string(name)
            json.key("kind")
            json.number(kind.rawValue)
            json.key("startTimeUnixNano")
            json.wideNumber(start)
            json.key("endTimeUnixNano")
            json.wideNumber(end)
            json.attributes(attributes, dropped: fields.droppedAttributes)
            if !events.isEmpty {
                json.key("events")
                json.array { json in
                    for event in events { json.event(event) }
                }
            }
            json.count("droppedEventsCount", fields.droppedEvents)
            if !links.isEmpty {
                json.key("links")
                json.array { json in
                    for link in links { json.link(link) }
                }
            }
            json.count("droppedLinksCount", fields.droppedLinks)
            json.status(status)
        }
    }

    private mutating func event(_ event: SpanRecord.Event) {
        object { json in
            json.key("timeUnixNano")
            json.wideNumber(event.time)
            json.key("name")
            json.string(event.name)
            json.attributes(event.attributes, dropped: event.droppedAttributes)
        }
    }

    private mutating func link(_ link: SpanRecord.Link) {
        object { json in
            json.context(link.context, isRemote: link.context.isRemote)
            json.attributes(link.attributes, dropped: link.droppedAttributes)
        }
    }

    private mutating func context(_ context: SpanContext, isRemote: Bool) {
        key("traceId")
        string(context.traceID.hex)
        key("spanId")
        string(context.spanID.hex)
        if let traceState = context.traceState {
            key("traceState")
            string(traceState.rawValue)
        }
        key("flags")
        number(SpanRecord.flags(context.flags, isRemote: isRemote))
    }

    private mutating func status(_ status: SpanRecord.Status) {
        let (code, message): (Int, String?) =
            switch status {
            case .unset: (0, nil)
            case .ok: (1, nil)
            case .error(let text): (2, text)
            }
        guard code != 0 else { return }
        key("status")
        object { json in
            if let message {
                json.key("message")
                json.string(message)
            }
            json.key("code")
            json.number(code)
        }
    }

    /// Attributes, and how many there were beside them.
    mutating func attributes(_ attributes: [SpanRecord.Attribute], dropped: UInt32 = 0) {
        if !attributes.isEmpty {
            key("attributes")
            array { json in
                for attribute in attributes { json.attribute(attribute) }
            }
        }
        count("droppedAttributesCount", dropped)
    }

    /// A `KeyValue`.
    private mutating func attribute(_ attribute: SpanRecord.Attribute) {
        object { json in
            json.key("key")
            json.string(attribute.key)
            json.key("value")
            json.value(attribute.value)
        }
    }

    private mutating func count(_ name: StaticString, _ count: UInt32) {
        guard count > 0 else { return }
        key(name)
        number(count)
    }

    /// An `AnyValue`.
    private mutating func value(_ value: AttributeValue) {
        object { json in
            switch value {
            case .string(let text):
                json.key("stringValue")
                json.string(text)
            case .bool(let bool):
                json.key("boolValue")
                json.bool(bool)
            case .int(let int):
                json.key("intValue")
                json.wideNumber(int)
            case .double(let double):
                json.key("doubleValue")
                json.number(double)
            case .strings(let texts):
                json.key("arrayValue")
                json.object { json in
                    json.key("values")
                    json.array { json in
                        for text in texts { json.value(.string(text)) }
                    }
                }
            }
        }
    }
}

extension SpanRecord {
    /// `SpanFlags`: the trace flags, and that it is known whether the context is remote, and whether it is. A root
    /// has no parent that could be remote, which counts as known.
    static func flags(_ flags: TraceFlags, isRemote: Bool) -> UInt32 {
        UInt32(flags.rawValue) | 0x100 | (isRemote ? Self.isRemote : 0)
    }

    /// The bit which says that a context came from another process.
    static let isRemote: UInt32 = 0x200
}

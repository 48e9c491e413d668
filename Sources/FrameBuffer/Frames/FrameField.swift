/// The field names that mean something to the service.
enum FrameField: UInt8 {
    case frameID, cameraID, timestamp, data, contentType, dataEncoding
    /// The list of fields whose text is JSON.
    case json
    /// The service's own trace context in the entry.
    case entryTraceparent, entryTracestate, entryBaggage
    /// Trace context as producers bring it.
    case traceparent, tracestate, baggage, traceContext
    /// The reply's lists of fields whose value, or whose name, is base64.
    case base64, base64Names
    /// What dead letters add to an entry.
    case dead

    /// The field's name; of dead letters' fields what they begin with.
    var name: StaticString {
        switch self {
        case .frameID: "frame_id"
        case .cameraID: "camera_id"
        case .timestamp: "timestamp"
        case .data: "data"
        case .contentType: "content_type"
        case .dataEncoding: "data_encoding"
        case .json: "_json"
        case .entryTraceparent: "_traceparent"
        case .entryTracestate: "_tracestate"
        case .entryBaggage: "_baggage"
        case .traceparent: "traceparent"
        case .tracestate: "tracestate"
        case .baggage: "baggage"
        case .traceContext: "trace_context"
        case .base64: "_base64"
        case .base64Names: "_base64_names"
        case .dead: "_dead_"
        }
    }

    /// The field called `name`; nil for one of the producer's own.
    init?(_ name: RawText) {
        // No two names of one length begin alike, so that at most one comparison is made.
        guard !name.isEmpty else { return nil }
        let first = name[0]
        let candidate: FrameField? =
            switch (name.count, first) {
            case (4, UInt8(ascii: "d")): .data
            case (5, UInt8(ascii: "_")): .json
            case (7, UInt8(ascii: "b")): .baggage
            case (7, UInt8(ascii: "_")): .base64
            case (8, UInt8(ascii: "f")): .frameID
            case (8, UInt8(ascii: "_")): .entryBaggage
            case (9, UInt8(ascii: "c")): .cameraID
            case (9, UInt8(ascii: "t")): .timestamp
            case (10, UInt8(ascii: "t")): .tracestate
            case (11, UInt8(ascii: "t")): .traceparent
            case (11, UInt8(ascii: "_")): .entryTracestate
            case (12, UInt8(ascii: "c")): .contentType
            case (12, UInt8(ascii: "_")): .entryTraceparent
            case (13, UInt8(ascii: "d")): .dataEncoding
            case (13, UInt8(ascii: "t")): .traceContext
            case (13, UInt8(ascii: "_")): .base64Names
            default: nil
            }
        if let candidate, ByteName.areEqual(candidate.name.bytes, name) {
            self = candidate
        } else if first == UInt8(ascii: "_"), name.count >= 6, ByteName.areEqual(name[0..<6], Self.dead.name.bytes) {
            self = .dead
        } else {
            return nil
        }
    }
}

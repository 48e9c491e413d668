/// What travels with a frame beside its payload: who took it, when, of what kind it is, and the trace it belongs to.
public struct FrameMetadata: Hashable, Sendable {
    /// The frame's identifier.
    public var frameID: String
    /// The camera that took it.
    public var cameraID: String?
    /// When it was taken, as its producer wrote it: RFC 3339, or a Unix time.
    public var timestamp: String?
    /// The media type of the payload.
    public var contentType: String?
    /// The span that handed the frame on.
    public var spanContext: SpanContext?

    /// Metadata of its parts.
    public init(
        frameID: String,
        cameraID: String? = nil,
        timestamp: String? = nil,
        contentType: String? = nil,
        spanContext: SpanContext? = nil
    ) {
        self.frameID = frameID
        self.cameraID = cameraID
        self.timestamp = timestamp
        self.contentType = contentType
        self.spanContext = spanContext
    }

    // MARK: Message fields

    /// The metadata among a message's fields; nil if there is no `frame_id`.
    public init?(fields: [String: String]) {
        guard let frameID = fields["frame_id"] else { return nil }
        self.init(
            frameID: frameID,
            cameraID: fields["camera_id"],
            timestamp: fields["timestamp"],
            contentType: fields["content_type"],
            spanContext: SpanContext(carrier: fields)
        )
    }

    /// The metadata as a message's fields, the trace as `_traceparent` and `_tracestate`.
    public var fields: [String: String] {
        var fields = ["frame_id": frameID]
        fields["camera_id"] = cameraID
        fields["timestamp"] = timestamp
        fields["content_type"] = contentType
        spanContext?.inject(into: &fields)
        return fields
    }
}

/// As an object: `{"frame_id", "camera_id", "timestamp", "content_type", "trace_context": {"trace_id", "span_id",
/// "traceparent"}}`. The trace is also found where ``fields`` has it. A broken one counts as absent.
extension FrameMetadata: Codable {
    private enum CodingKeys: String, CodingKey {
        case frameID = "frame_id"
        case cameraID = "camera_id"
        case timestamp
        case contentType = "content_type"
        case traceContext = "trace_context"
    }

    /// The members that are those of ``SpanContext/init(carrier:)``.
    private enum CarrierKeys: String, CodingKey, CaseIterable {
        case messageTraceparent = "_traceparent"
        case messageTracestate = "_tracestate"
        case traceparent
        case tracestate
    }

    /// A text, or a number, which is as good as its text.
    private struct Text: Decodable {
        let value: String

        init(from decoder: any Decoder) throws {
            let container = try decoder.singleValueContainer()
            if let integer = try? container.decode(Int64.self) {
                value = "\(integer)"
            } else if let number = try? container.decode(Double.self) {
                value = "\(number)"
            } else {
                value = try container.decode(String.self)
            }
        }
    }

    /// Reads the object. `frame_id`, `camera_id` and `timestamp` may be numbers.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        frameID = try container.decode(Text.self, forKey: .frameID).value
        cameraID = try container.decodeIfPresent(Text.self, forKey: .cameraID)?.value
        timestamp = try container.decodeIfPresent(Text.self, forKey: .timestamp)?.value
        contentType = try container.decodeIfPresent(String.self, forKey: .contentType)
        let members = try decoder.container(keyedBy: CarrierKeys.self)
        let carrier = CarrierKeys.allCases.reduce(into: [:]) { carrier, key in
            carrier[key.rawValue] = try? members.decode(String.self, forKey: key)
        }
        spanContext =
            SpanContext(carrier: carrier)
            ?? (try? container.decode([String: String].self, forKey: .traceContext))
            .flatMap { SpanContext(dictionary: $0) }
    }

    /// Writes the object.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(frameID, forKey: .frameID)
        try container.encodeIfPresent(cameraID, forKey: .cameraID)
        try container.encodeIfPresent(timestamp, forKey: .timestamp)
        try container.encodeIfPresent(contentType, forKey: .contentType)
        try container.encodeIfPresent(spanContext?.dictionary, forKey: .traceContext)
    }
}

import FoundationEssentials
public import NIOCore
import NIOHTTP1

/// A frame that was handed to this caller.
public struct DequeuedFrame: Hashable, Sendable {
    /// What is in it.
    public enum Content: Hashable, Sendable {
        /// Its payload, byte for byte.
        case payload(ByteBuffer, contentType: String)
        /// A frame without a payload: the service's JSON reply, with the frame's fields under `frame`.
        case fields(ByteBuffer)
    }

    /// The frame's id, as its producer or the service gave it.
    public let frameID: String
    /// Nil where the producer named none.
    public let cameraID: String?
    /// Its entry in the Redis stream.
    public let messageID: String
    /// The trace that the frame is in, as 32 hexadecimal digits; nil where it is in none.
    public let traceID: String?
    /// The W3C trace context to go on with; nil where the frame is in no trace.
    public let traceparent: String?
    /// The time since it was captured.
    public let age: Duration
    /// How often it has been handed out, this time included. A payload's reply doesn't say: nil.
    public let deliveries: Int?
    /// Its payload or its fields.
    public let content: Content
}

// MARK: - From a reply

extension DequeuedFrame {
    init(payloadReply reply: FrameBufferClient.Reply) throws {
        func header(_ name: String) -> String? {
            reply.headers.first(name: name).map(\.percentDecoded)
        }
        guard let frameID = header("X-Frame-Id"), let messageID = header("X-Message-Id"),
            let age = header("X-Frame-Age-Ms").flatMap({ Int($0) })
        else { throw FrameBufferError(unexpected: "the reply lacks the headers that describe the frame") }
        self.init(
            frameID: frameID,
            cameraID: header("X-Frame-Camera-Id"),
            messageID: messageID,
            traceID: header("X-Trace-Id"),
            traceparent: header("traceparent"),
            age: .milliseconds(age),
            deliveries: nil,
            content: .payload(
                reply.body,
                contentType: reply.headers.first(name: "Content-Type") ?? "application/octet-stream"
            )
        )
    }

    init(jsonReply reply: FrameBufferClient.Reply) throws {
        let json: JSONReply
        do {
            json = try JSONDecoder().decode(JSONReply.self, from: Data(reply.body.readableBytesView))
        } catch {
            throw FrameBufferError(unexpected: "the reply is no frame", error)
        }
        self.init(
            frameID: json.frame.frameID,
            cameraID: json.frame.cameraID,
            messageID: json.messageID,
            traceID: json.traceID,
            traceparent: json.frame.traceparent,
            age: .milliseconds(json.age),
            deliveries: json.deliveries,
            content: .fields(reply.body)
        )
    }

    private struct JSONReply: Decodable {
        struct Frame: Decodable {
            let frameID: String
            let cameraID: String?
            let traceparent: String?

            enum CodingKeys: String, CodingKey {
                case frameID = "frame_id"
                case cameraID = "camera_id"
                case traceparent = "_traceparent"
            }
        }

        let frame: Frame
        let messageID: String
        let traceID: String?
        let age: Int
        let deliveries: Int

        enum CodingKeys: String, CodingKey {
            case frame, deliveries
            case messageID = "message_id"
            case traceID = "trace_id"
            case age = "age_ms"
        }
    }
}

extension String {
    /// Headers have what isn't printable ASCII percent-encoded.
    fileprivate var percentDecoded: String {
        var bytes: [UInt8] = []
        var rest = utf8[...]
        while let byte = rest.popFirst() {
            if byte == UInt8(ascii: "%"), rest.count >= 2, let decoded = UInt8(Substring(rest.prefix(2)), radix: 16) {
                bytes.append(decoded)
                rest = rest.dropFirst(2)
            } else {
                bytes.append(byte)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}

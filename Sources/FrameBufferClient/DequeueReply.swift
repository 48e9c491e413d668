import FoundationEssentials
import NIOCore
import NIOHTTP1

/// A frame as the service hands it out, in either form.
struct DequeueReply {
    let frame: DequeuedFrame
    fileprivate let lease: Lease?

    fileprivate struct Lease: Decodable {
        let receipt: String
        let duration: Int

        enum CodingKeys: String, CodingKey {
            case receipt
            case duration = "expires_in_ms"
        }
    }

    /// Nil where the reply says that no frame came.
    init?(_ reply: FrameBufferClient.Reply) throws {
        if reply.status == .noContent { return nil }
        guard reply.contentType == "application/json" else {
            try self.init(payload: reply)
            return
        }
        try self.init(fields: reply)
    }

    private init(payload reply: FrameBufferClient.Reply) throws {
        func header(_ name: String) -> String? {
            reply.headers.first(name: name).flatMap { $0.isEmpty ? nil : $0.percentDecoded }
        }
        func number(_ name: String) -> Int? { header(name).flatMap { Int($0) } }
        guard let messageID = header("X-Message-Id"), let age = number("X-Frame-Age-Ms") else {
            throw FrameBufferError(unexpected: "the reply lacks the headers that describe the frame")
        }
        frame = DequeuedFrame(
            frameID: header("X-Frame-Id"),
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
        if let receipt = header("X-Receipt"), let duration = number("X-Lease-Expires-In-Ms") {
            lease = Lease(receipt: receipt, duration: duration)
        } else {
            lease = nil
        }
    }

    private init?(fields reply: FrameBufferClient.Reply) throws {
        let json: JSON
        do {
            json = try JSONDecoder().decode(JSON.self, from: Data(reply.body.readableBytesView))
        } catch {
            throw FrameBufferError(unexpected: "the reply is no frame", error)
        }
        guard let dequeued = json.dequeued else { return nil }
        frame = DequeuedFrame(
            frameID: dequeued.frame.frameID,
            cameraID: dequeued.frame.cameraID,
            messageID: dequeued.messageID,
            traceID: dequeued.traceID,
            traceparent: dequeued.frame.traceparent,
            age: .milliseconds(dequeued.age),
            deliveries: dequeued.deliveries,
            content: .fields(reply.body)
        )
        lease = dequeued.lease
    }

    private struct JSON: Decodable {
        /// Nil where the status is `empty`.
        let dequeued: Dequeued?

        enum CodingKeys: CodingKey {
            case status
        }

        init(from decoder: any Decoder) throws {
            let status = try decoder.container(keyedBy: CodingKeys.self).decode(String.self, forKey: .status)
            dequeued = status == "empty" ? nil : try Dequeued(from: decoder)
        }
    }

    private struct Dequeued: Decodable {
        /// What other clients write straight into Redis may be of any kind, or missing.
        struct Frame: Decodable {
            let frameID: String?
            let cameraID: String?
            let traceparent: String?

            enum CodingKeys: String, CodingKey {
                case frameID = "frame_id"
                case cameraID = "camera_id"
                case traceparent = "_traceparent"
            }

            init(from decoder: any Decoder) throws {
                let fields = try decoder.container(keyedBy: CodingKeys.self)
                frameID = try? fields.decode(String.self, forKey: .frameID)
                cameraID = try? fields.decode(String.self, forKey: .cameraID)
                traceparent = try? fields.decode(String.self, forKey: .traceparent)
            }
        }

        let frame: Frame
        let messageID: String
        let traceID: String?
        let age: Int
        let deliveries: Int
        let lease: Lease?

        enum CodingKeys: String, CodingKey {
            case frame, deliveries, lease
            case messageID = "message_id"
            case traceID = "trace_id"
            case age = "age_ms"
        }
    }
}

extension LeasedFrame {
    init(_ reply: DequeueReply) throws {
        guard let lease = reply.lease else { throw FrameBufferError(unexpected: "the frame came without its lease") }
        self.init(frame: reply.frame, receipt: lease.receipt, duration: .milliseconds(lease.duration))
    }
}

extension DequeuedFrame.Form {
    /// What the service is asked to answer with.
    var mediaTypes: String {
        switch self {
        case .payload: "application/octet-stream, application/json;q=0.5"
        case .fields: "application/json"
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

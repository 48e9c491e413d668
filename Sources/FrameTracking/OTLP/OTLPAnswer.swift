import NIOCore

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// What a receiver answered to a request.
struct OTLPAnswer {
    let status: UInt
    let retryAfter: String?
    /// The `Content-Type`, in lower case and without parameters.
    let mediaType: String
    let body: ByteBuffer

    private enum Form {
        case protobuf, json, text, other
    }

    private var form: Form {
        switch mediaType {
        // Without a type it is what it should be, or unreadable.
        case "application/x-protobuf", "application/protobuf", "": .protobuf
        case "application/json": .json
        case "text/plain": .text
        default: .other
        }
    }

    /// What a success says about spans that were not taken after all. Of what is no OTLP, a login page for instance, it
    /// says so: the spans may have gone nowhere.
    var partialSuccess: (rejected: Int, message: String) {
        if body.readableBytes == 0 { return (0, "") }
        let partial: PartialSuccess
        switch form {
        case .protobuf: partial = PartialSuccess(response: body.readableBytesView)
        case .json: partial = PartialSuccess(json: body.readableBytesView)
        case .text, .other:
            return (0, "its answer is not OTLP, the endpoint may be wrong: \(EnvironmentReader.quoted(mediaType))")
        }
        return (partial.rejectedSpans, partial.message)
    }

    /// The status, and what an error says about itself, in `google.rpc.Status` or in plain text.
    var description: String {
        let text: String
        switch form {
        case .protobuf: text = Self.statusMessage(body.readableBytesView)
        case .json: text = Self.statusMessage(json: body.readableBytesView)
        case .text: text = Self.readable(body.readableBytesView)
        case .other: text = ""
        }
        return "the receiver answered \(status)" + (text.isEmpty ? "" : ": \(text)")
    }

    private static func statusMessage(_ status: some Sequence<UInt8>) -> String {
        for case (2, .bytes(let text)) in ProtobufReader(status) { return readable(text) }
        return ""
    }

    private static func statusMessage(json: some Sequence<UInt8>) -> String {
        let status = try? JSONDecoder().decode(Status.self, from: Data(json))
        return readable(Array((status?.message ?? "").utf8))
    }

    private struct Status: Decodable {
        let message: String?
    }

    private static let maximumMessage = 256

    /// The beginning of a receiver's text, as a log may show it.
    static func readable(_ text: some Collection<UInt8>) -> String {
        let decoded = String(decoding: text.prefix(maximumMessage), as: UTF8.self)
        let isControl = { (scalar: Unicode.Scalar) in scalar.properties.generalCategory == .control }
        return String(String.UnicodeScalarView(decoded.unicodeScalars.map { isControl($0) ? " " : $0 }))
    }
}

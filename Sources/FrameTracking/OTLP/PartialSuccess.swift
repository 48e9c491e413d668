#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// What a receiver says about spans that it did not take although it answered with success
/// (`ExportTracePartialSuccess` of opentelemetry-proto).
struct PartialSuccess: Hashable {
    /// How many spans were rejected.
    private(set) var rejectedSpans = 0
    /// The receiver's reason, or a warning when it rejected none.
    private(set) var message = ""

    /// Reads the body of a response in binary protobuf; whatever can't be read counts as success, which the status said
    /// it was.
    init(response: some Sequence<UInt8>) {
        for case (1, .bytes(let partialSuccess)) in ProtobufReader(response) {
            for field in ProtobufReader(partialSuccess) {
                switch field {
                case (1, .varint(let count)): rejectedSpans = Int(clamping: Int64(bitPattern: count))
                case (2, .bytes(let text)): message = OTLPAnswer.readable(text)
                default: break
                }
            }
        }
    }

    /// The same in JSON, where the count may be a text or a number.
    init(json: some Sequence<UInt8>) {
        guard let response = try? JSONDecoder().decode(Response.self, from: Data(json)) else { return }
        rejectedSpans = Int(clamping: response.partialSuccess?.rejectedSpans?.value ?? 0)
        message = OTLPAnswer.readable(Array((response.partialSuccess?.errorMessage ?? "").utf8))
    }

    private struct Response: Decodable {
        struct PartialSuccess: Decodable {
            let rejectedSpans: Count?
            let errorMessage: String?
        }

        struct Count: Decodable {
            let value: Int64

            init(from decoder: any Decoder) throws {
                let container = try decoder.singleValueContainer()
                if let text = try? container.decode(String.self) {
                    value = Int64(text) ?? 0
                } else {
                    value = try container.decode(Int64.self)
                }
            }
        }

        let partialSuccess: PartialSuccess?
    }
}

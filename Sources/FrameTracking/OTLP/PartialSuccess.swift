/// What a receiver says about spans that it did not take although it answered with success
/// (`ExportTracePartialSuccess` of opentelemetry-proto).
struct PartialSuccess: Hashable {
    /// How many spans were rejected.
    private(set) var rejectedSpans = 0
    /// The receiver's reason, or a warning when it rejected none.
    private(set) var message = ""

    private static let maximumMessage = 256

    /// Reads the body of a response; whatever can't be read counts as success, which the status said it was.
    init(response: some Sequence<UInt8>) {
        for case (1, .bytes(let partialSuccess)) in ProtobufReader(response) {
            for field in ProtobufReader(partialSuccess) {
                switch field {
                case (1, .varint(let count)): rejectedSpans = Int(clamping: Int64(bitPattern: count))
                case (2, .bytes(let text)):
                    message = String(decoding: text.prefix(PartialSuccess.maximumMessage), as: UTF8.self)
                default: break
                }
            }
        }
    }
}

/// Who the spans come from: this process, by the semantic conventions for resources.
struct Resource: Sendable {
    /// The conventions that the names of attributes follow.
    static let schemaURL = "https://opentelemetry.io/schemas/1.44.0"
    /// The name of the instrumentation, and of this SDK.
    static let instrumentation = "framebuffer"

    let attributes: [SpanRecord.Attribute]

    /// The resource of this process; what the operator set goes before what was found out.
    init(settings: TracingSettings, identifiers: IdentifierGenerator = .shared) {
        var attributes = [
            SpanRecord.Attribute("service.name", .string(settings.serviceName)),
            SpanRecord.Attribute("service.instance.id", .string(Resource.instanceID(from: identifiers.makeTraceID()))),
            SpanRecord.Attribute("telemetry.sdk.name", .string(Resource.instrumentation)),
            SpanRecord.Attribute("telemetry.sdk.language", "swift"),
            SpanRecord.Attribute("telemetry.sdk.version", .string(FrameTracer.version)),
        ]
        if let version = settings.serviceVersion {
            attributes.append(SpanRecord.Attribute("service.version", .string(version)))
        }
        attributes += Resource.process() + Resource.host()
        for (key, value) in settings.resourceAttributes where key != "service.name" {
            if let index = attributes.firstIndex(where: { $0.key == key }) {
                attributes[index].value = .string(value)
            } else {
                attributes.append(SpanRecord.Attribute(key, .string(value)))
            }
        }
        self.attributes = attributes
    }

    /// A random UUID (RFC 9562, version 4), as the conventions recommend for an instance.
    private static func instanceID(from id: TraceID) -> String {
        let version: UInt64 = 0x4000
        let variant: UInt64 = 0x8000_0000_0000_0000
        let digits = TraceID(
            high: id.high & ~0xF000 | version,
            nonZeroLow: id.low & ~0xC000_0000_0000_0000 | variant
        ).hex
        var uuid = ""
        for (index, digit) in digits.enumerated() {
            if [8, 12, 16, 20].contains(index) { uuid.append("-") }
            uuid.append(digit)
        }
        return uuid
    }
}

import NIOCore

/// A `trace_context`: `{"trace_id", "span_id", "traceparent"}`, and what else its producer put there.
struct TraceContextObject {
    private let bytes: RawText
    private var members: [JSONMember] = []

    /// Reads `bytes`; nil where they are not exactly one object.
    init?(_ bytes: RawText) {
        self.bytes = bytes
        let unlimited = FrameLimits(fields: .max, fieldName: .max, nesting: .max)
        var scanner = JSONScanner(bytes.buffer, limits: unlimited)
        scanner.skipBlanks()
        guard (try? scanner.scanObject(into: &members)) != nil, (try? scanner.finish()) != nil else { return nil }
    }

    /// The first context that `parse` takes: the `traceparent` inside, else the one that the two ids make, sampled, as
    /// a producer that sends no flags means it.
    func first<Context>(_ parse: (CarriedContext) -> Context?) -> Context? {
        let tracestate = string("tracestate")
        let baggage = string("baggage")
        func context(_ traceparent: String) -> Context? {
            parse(CarriedContext(traceparent: traceparent, tracestate: tracestate, baggage: baggage))
        }
        if let context = string("traceparent").flatMap(context) { return context }
        guard let traceID = string("trace_id"), let spanID = string("span_id") else { return nil }
        return context("00-\(traceID)-\(spanID)-01")
    }

    /// The object with the ids and the `traceparent` of `context` where it had its own; all else as it was.
    func rewritten(with context: OutgoingContext) -> ByteBuffer {
        var text = ByteBuffer()
        text.reserveCapacity(bytes.count + 128)
        var copied = 0
        for member in members {
            let replacement: String? =
                switch true {
                case isNamed(member, "trace_id"): context.traceID
                case isNamed(member, "span_id"): context.spanID
                case isNamed(member, "traceparent"): context.traceparent
                default: nil
                }
            guard let replacement else { continue }
            text.writeBytes(bytes[copied..<member.extent.lowerBound].buffer)
            text.writeString("\"\(replacement)\"")
            copied = member.extent.upperBound
        }
        text.writeBytes(bytes[copied..<bytes.count].buffer)
        return text
    }

    private func string(_ name: StaticString) -> String? {
        guard let member = members.first(where: { isNamed($0, name) }), member.kind == .string else { return nil }
        return member.value.withUnescaped(in: bytes) { $0.string }
    }

    private func isNamed(_ member: JSONMember, _ name: StaticString) -> Bool {
        member.name.withUnescaped(in: bytes) { ByteName.areEqual($0, name.bytes) }
    }
}

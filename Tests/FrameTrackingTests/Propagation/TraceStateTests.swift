import FrameTracking
import Testing

@Suite("tracestate")
struct TraceStateTests {
    private static let longKey = String(repeating: "z", count: 256)
    private static let longValue = String(repeating: "v", count: 256)

    @Test(
        "Valid lists are passed on, without the blanks around their members",
        arguments: [
            ("foo=1", "foo=1"),
            ("foo=1,bar=2", "foo=1,bar=2"),
            ("foo=1 \t , \t bar=2, \t baz=3", "foo=1,bar=2,baz=3"),
            ("\t foo=1 \t", "foo=1"),
            ("foo=1,,bar=2,", "foo=1,bar=2"),
            ("foo= 1", "foo= 1"),
            ("foo=a b", "foo=a b"),
            ("foo=1,foo=1", "foo=1,foo=1"),
            ("foo=1,foo=2", "foo=1,foo=2"),
            ("0foo=1", "0foo=1"),
            ("foo@=1,bar=2", "foo@=1,bar=2"),
            ("foo@@bar=1,a_-*/@b=2", "foo@@bar=1,a_-*/@b=2"),
            (
                "foo= !\"#$%&'()*+-./0123456789:;<>?@AZ[\\]^_`az{|}~",
                "foo= !\"#$%&'()*+-./0123456789:;<>?@AZ[\\]^_`az{|}~"
            ),
            ("\(longKey)=1", "\(longKey)=1"),
            ("a=\(longValue)", "a=\(longValue)"),
        ]
    )
    func valid(header: String, passedOn: String) {
        #expect(TraceState(header)?.rawValue == passedOn)
    }

    @Test(
        "Malformed lists are dropped, and the traceparent beside them is not",
        arguments: [
            "foo", "foo=", "foo=,bar=3", "=1", "foo =1", "FOO=1", "foo.bar=1", "@foo=1,bar=2", "_foo=1", "foo=bar=baz",
            "foo=1;bar=2=3", "foo=\u{7F}", "foo=é", "é=1", "foo=a\tb", "foo=1\nbar=2", "\(longKey)z=1",
            "a=\(longValue)v",
        ]
    )
    func malformed(header: String) {
        #expect(TraceState(header) == nil)
        let context = SpanContext(traceparent: Fixture.traceparent, tracestate: header)
        #expect(context != nil && context?.traceState == nil)
    }

    @Test("An empty list is none", arguments: ["", " ", "\t", ",", " , ,"])
    func empty(header: String) {
        #expect(TraceState(header) == nil)
    }

    @Test("Up to 32 members are valid, empty ones not counted")
    func memberLimit() {
        let members = (1...33).map { "bar\($0)=\($0)" }
        #expect(
            TraceState(members.prefix(32).joined(separator: ",,"))?.rawValue
                == members.prefix(32).joined(separator: ",")
        )
        #expect(TraceState(members.joined(separator: ",")) == nil)
    }

    @Test("Several header fields make one list, in their order")
    func combining() {
        #expect(TraceState(combining: ["foo=1,bar=2", "", "baz=3 ", " "])?.rawValue == "foo=1,bar=2,baz=3")
        #expect(TraceState(combining: ["foo=1", "bar"]) == nil)
        #expect(TraceState(combining: []) == nil)
    }
}

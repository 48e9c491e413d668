import Testing

@testable import FrameBufferServer

@Suite("A query in a span")
struct SensitiveQueryTests {
    @Test(
        "is as it came, but for the values that are called sensitive",
        arguments: [
            ("wait=1s&count=5", "wait=1s&count=5"),
            ("sig=x", "sig=REDACTED"),
            ("a=1&Signature=x%20y&&sig=&b", "a=1&Signature=REDACTED&&sig=REDACTED&b"),
            (
                "X-Amz-Signature=1&X-Amz-Credential=2&X-Amz-Security-Token=3&AWSAccessKeyId=4&X-Goog-Signature=5",
                "X-Amz-Signature=REDACTED&X-Amz-Credential=REDACTED&X-Amz-Security-Token=REDACTED"
                    + "&AWSAccessKeyId=REDACTED&X-Goog-Signature=REDACTED"
            ),
            // Names are case-sensitive, and whole.
            ("SIG=x&sigs=y&signature=z&sig&=sig", "SIG=x&sigs=y&signature=z&sig&=sig"),
            ("", ""),
        ]
    )
    func redacted(query: String, said: String) {
        #expect(SensitiveQuery.redacted(query) == said)
    }
}

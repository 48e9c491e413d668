import Testing

@testable import FrameBufferServer

@Suite("A media type")
struct MediaTypeTests {
    @Test(
        "has parameters, in quotes or without, in any case of their names",
        arguments: [
            ("multipart/form-data; boundary=abc", "abc"), ("multipart/form-data;boundary=abc;x=y", "abc"),
            ("a/b; x=y; BOUNDARY=\"a b;=\"", "a b;="), ("a/b; boundary=\"a\\\"b\\\\\"", "a\"b\\"),
            ("a/b; boundary = abc", "abc"), ("a/b;; boundary=abc \t", "abc"),
            ("a/b; x=\"boundary=1\"; boundary=2", "2"),
            ("a/b; boundary; boundary=a=b", "a=b"), ("a/b; boundary=", ""), ("a/b; boundary=\"\"; x", ""),
            ("a/b", nil), ("", nil), ("a/b; boundary", nil), ("a/b; boundary=\"abc", nil),
            ("a/b; boundary=\"abc\\", nil),
            ("a/b; xboundary=1", nil), ("boundary=1", nil), ("a/b; boundary=1; boundary=2", "1"),
        ] as [(String, String?)]
    )
    func parameters(header: String, value: String?) {
        #expect(MediaType.parameter("boundary", of: header) == value)
    }
}

import Testing

@testable import FrameTracking

@Suite("Partial success")
struct PartialSuccessTests {
    @Test(
        "Rejected spans and the reason are read",
        arguments: [
            ([UInt8](), 0, ""),
            ([0x0A, 0x00], 0, ""),
            ([0x0A, 0x02, 0x08, 0x05], 5, ""),
            ([0x0A, 0x03, 0x12, 0x01, 0x78], 0, "x"),
            ([0x0A, 0x06, 0x08, 0xAC, 0x02, 0x12, 0x01, 0x78], 300, "x"),
            ([0x12, 0x01, 0x00, 0x0A, 0x02, 0x08, 0x01], 1, ""),
        ]
    )
    func valid(body: [UInt8], rejected: Int, message: String) {
        let partial = PartialSuccess(response: body)
        #expect(partial.rejectedSpans == rejected && partial.message == message)
    }

    @Test(
        "A body that makes no sense rejects nothing",
        arguments: [
            [0x0A], [0x0A, 0x05, 0x08], [0x0A, 0x02, 0x08, 0x80], Array("<html>no</html>".utf8),
            [0xFF, 0xFF, 0xFF, 0xFF],
            [UInt8](repeating: 0x80, count: 20), [0x0A, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x01],
        ]
    )
    func malformed(body: [UInt8]) {
        #expect(PartialSuccess(response: body).rejectedSpans == 0)
    }

    @Test(
        "In JSON the count is a text or a number",
        arguments: [
            (#"{"partialSuccess":{"rejectedSpans":"5","errorMessage":"x"}}"#, 5, "x"),
            (#"{"partialSuccess":{"rejectedSpans":5}}"#, 5, ""), (#"{"partialSuccess":{"errorMessage":"x"}}"#, 0, "x"),
            ("{}", 0, ""), (#"{"partialSuccess":{}}"#, 0, ""), (#"{"partialSuccess":null,"more":[1]}"#, 0, ""),
            (#"{"partialSuccess":{"rejectedSpans":"many"}}"#, 0, ""), ("", 0, ""), ("[1", 0, ""), ("null", 0, ""),
        ]
    )
    func json(body: String, rejected: Int, message: String) {
        let partial = PartialSuccess(json: body.utf8)
        #expect(partial.rejectedSpans == rejected && partial.message == message)
    }

    @Test("No bytes whatever make the reader stumble")
    func fuzz() {
        let seed = UInt64.random(in: 0 ... .max)
        var generator = SeededGenerator(seed: seed)
        for _ in 0..<5000 {
            var body = (0..<Int.random(in: 0...40, using: &generator)).map { _ in
                UInt8.random(in: 0...255, using: &generator)
            }
            if Bool.random(using: &generator) { body.insert(contentsOf: [0x0A, UInt8(body.count)], at: 0) }
            #expect(PartialSuccess(response: body).message.utf8.count <= 3 * 256, "seed \(seed)")
        }
    }

    @Test("A long reason is cut")
    func longMessage() {
        let text = [UInt8](repeating: 0x78, count: 5000)
        let body: [UInt8] = [0x0A, 0x8B, 0x27, 0x12, 0x88, 0x27] + text
        #expect(PartialSuccess(response: body).message.count == 256)
    }
}

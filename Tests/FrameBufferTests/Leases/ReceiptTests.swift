import Testing

@testable import FrameBuffer

@Suite("A receipt")
struct ReceiptTests {
    @Test("reads back as it was written, whatever its parts")
    func roundTrip() {
        for token in [0, 1, 0xABCD, .max] as [UInt64] {
            for (milliseconds, sequence) in [(0, 0), (1_764_032_306_000, 17), (.max, .max)] as [(UInt64, UInt64)] {
                let id = StreamID(milliseconds: milliseconds, sequence: sequence)
                let receipt = Receipt(messageID: id, token: token)
                #expect(Receipt(receipt.description) == receipt)
                #expect(receipt.description.hasPrefix("\(id)."))
            }
        }
        let id = StreamID(milliseconds: 5, sequence: 5)
        #expect(Receipt(for: id) != Receipt(for: id))
    }

    @Test(
        "is nothing else than a message id, a dot and sixteen lower-case hexadecimal digits",
        arguments: [
            "", "notanid", "5-5", "5-5.", ".0123456789abcdef", "5.0123456789abcdef", "5-5.0123456789abcde",
            "5-5.0123456789abcdef0", "5-5.0123456789ABCDEF", "5-5.+123456789abcdef", "05-5.0123456789abcdef",
            "5-5.0123456789abcdef ", " 5-5.0123456789abcdef", "-5-5.0123456789abcdef", "5-5.0123456789abcdeg",
            "18446744073709551616-0.0123456789abcdef", "5-5.0123456789abcdef.0123456789abcdef",
            "5-5\n.0123456789abcdef",
        ]
    )
    func malformed(_ text: String) {
        #expect(Receipt(text) == nil)
        #expect(Receipt("5-5.0123456789abcdef") != nil)
    }
}

import Testing

@testable import FrameBuffer

@Suite("Message ids")
struct StreamIDTests {
    @Test("An id is read, padded or not, and printed without padding")
    func reading() throws {
        let id = try #require(StreamID("1764032306000-7"))
        #expect(id.milliseconds == 1_764_032_306_000)
        #expect(id.sequence == 7)
        #expect(id.description == "1764032306000-7")
        #expect(id.padded == "00000001764032306000-00000000000000000007")
        #expect(StreamID(id.padded) == id)
        #expect(
            StreamID("18446744073709551615-18446744073709551615")?.padded == "18446744073709551615-18446744073709551615"
        )
    }

    @Test(
        "What is no id is none",
        arguments: ["", "-", "1", "1-", "-1", "1-2-3", "a-1", "1-a", "+1-1", "1- 1", "18446744073709551616-0", "１-1"]
    )
    func refused(text: String) {
        #expect(StreamID(text) == nil)
    }

    @Test("Ids are in the order of the stream, and so are their padded texts")
    func order() throws {
        let ids = try ["1-9", "1-10", "2-0", "10-0", "18446744073709551615-0"].map { try #require(StreamID($0)) }
        #expect(ids.sorted() == ids)
        #expect(ids.map(\.padded).sorted() == ids.map(\.padded))
    }
}

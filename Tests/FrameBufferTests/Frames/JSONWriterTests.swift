import Foundation
import NIOCore
import Testing

@testable import FrameBuffer

@Suite("The JSON writer")
struct JSONWriterTests {
    @Test("sets commas where they belong, at every depth")
    func structure() {
        var writer = JSONWriter()
        writer.object {
            $0.member("a", "x")
            $0.member("n", Optional<String>.none)
            $0.object("o") { _ in }
            $0.array("l") {
                $0.element(1)
                $0.element("two")
                $0.object { $0.member("b", true) }
                $0.array { _ in }
            }
            $0.member("raw") { $0.writeString("[null]") }
            $0.member("i", Optional(-5))
            $0.member("d", 1.5)
            $0.member("nan", Double.nan)
            $0.member("m", Int.min)
        }
        #expect(
            String(buffer: writer.finish())
                == #"{"a":"x","n":null,"o":{},"l":[1,"two",{"b":true},[]],"raw":[null],"i":-5,"d":1.5,"nan":null,"m":-9223372036854775808}"#
        )
    }

    @Test("appends to what is there")
    func appends() {
        var writer = JSONWriter(ByteBuffer(string: "data: "))
        writer.object { $0.member("a", 1) }
        #expect(String(buffer: writer.finish()) == #"data: {"a":1}"#)
    }

    @Test("escapes what must be, and nothing else")
    func escapes() throws {
        for text in [
            "", "\"", "\\", "/", "\u{0}\u{1}\u{8}\u{9}\u{A}\u{C}\u{D}\u{1F}\u{7F}", "é😀\u{2028}",
            String(repeating: "x\n", count: 50),
        ] {
            var writer = JSONWriter()
            writer.object { $0.member("v", text) }
            let object =
                try JSONSerialization.jsonObject(with: Data(writer.finish().readableBytesView)) as? [String: String]
            #expect(object?["v"].map { Array($0.utf8) } == Array(text.utf8))
        }
        var writer = JSONWriter()
        writer.array { $0.element("\"\\/\u{8}\u{9}\u{A}\u{C}\u{D}\u{1}\u{1F}é") }
        #expect(String(buffer: writer.finish()) == #"["\"\\/\b\t\n\f\r\u0001\u001fé"]"#)
    }
}

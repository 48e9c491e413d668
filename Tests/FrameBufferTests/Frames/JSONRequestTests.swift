import NIOCore
import Testing

@testable import FrameBuffer

@Suite("The JSON object of a request")
struct JSONRequestTests {
    @Test("has its members' values, escapes undone")
    func members() throws {
        let text =
            #" { "a" : "x\n\u00e9", "b":[ "1" , "\"\\\u0031", "", "\ud83d\ude00é" ], "c":1.50, "d\u0065":[], "f":null } "#
        let request = try JSONRequest(ByteBuffer(string: text))
        #expect(request.members.map(\.name) == ["a", "b", "c", "de", "f"])
        let expected: [JSONRequest.Value] = [
            .string("x\né"), .strings(["1", "\"\\1", "", "😀é"]), .number("1.50"), .strings([]), .other,
        ]
        #expect(request.members.map(\.value) == expected)
    }

    @Test(
        "has no use for arrays of anything else",
        arguments: ["[1]", #"["a",null]"#, #"[["a"]]"#, #"["a",{"b":"c"}]"#]
    )
    func arrays(_ array: String) throws {
        let request = try JSONRequest(ByteBuffer(string: "{\"a\":\(array)}"))
        #expect(request.members.first?.value == .other)
    }

    @Test(
        "is one sound object and nothing else",
        arguments: ["", "[]", "{", #"{"a":1}x"#, #"{"a":["b}"#, #"{"a":1,"a":2}"#]
    )
    func malformed(_ text: String) {
        #expect(throws: FrameError.self) { try JSONRequest(ByteBuffer(string: text)) }
    }
}

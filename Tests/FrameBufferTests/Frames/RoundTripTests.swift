import Foundation
import NIOCore
import Testing

@testable import FrameBuffer

@Suite("A frame's way in and out")
struct RoundTripTests {
    private func roundTrip(_ text: String) throws -> String {
        let entry = EntryFields(try IncomingFrame.json(ByteBuffer(string: text)))
        #expect(entry.read { $0.unservableReason } == nil)
        return entry.json()
    }

    @Test(
        "keeps every value, its type and its digits",
        arguments: [
            #"{"frame_id":"n1","ts":1732492800123456789,"big":18446744073709551615,"f":0.1,"one":1.0,"ok":true,"none":null,"s":"1","e":"","box":{"x":[1,{"y":null}]}}"#,
            #"{"frame_id":"a","v":18446744073709551616}"#, #"{"frame_id":"a","v":1e400}"#,
            #"{"frame_id":"a","v":12345678901234567890,"w":1.10,"x":-0,"y":1E+05}"#,
            #"{"frame_id":"a","t":"true","n":"null","o":"{}","l":"[1]"}"#,
            #"{"frame_id":"a","v":"é日本😀","w":"\"\\\b\f\n\r\t\u0000\u001f"}"#,
            #"{"frame_id":"a","a,b":1,"c%":2,"%2C":3,",":4}"#,
        ]
    )
    func exact(text: String) throws {
        #expect(try roundTrip(text) == text)
    }

    /// Members by name, each value as its text: strings with their escapes undone.
    private func values(_ text: String) throws -> [[UInt8]: (JSONMember.Kind, [UInt8])] {
        let bytes = Array(text.utf8)
        let members = try JSONScanner.members(of: bytes)
        return bytes.withUnsafeBytes {
            let bytes = RawText($0)
            return Dictionary(
                uniqueKeysWithValues: members.map { member in
                    let value = member.value.withUnescaped(in: bytes) { Array($0.buffer) }
                    return (member.name.withUnescaped(in: bytes) { Array($0.buffer) }, (member.kind, value))
                }
            )
        }
    }

    @Test("keeps whatever a random frame has")
    func random() throws {
        let seed = UInt64.random(in: 0 ... .max)
        var generator = SeededGenerator(seed: seed)
        var random = RandomJSON(&generator)
        for _ in 0..<5_000 {
            let text = #"{"frame_id":"f","# + random.object().dropFirst()
            let came = try roundTrip(text)
            let (expected, found) = (try values(text), try values(came))
            #expect(expected.count == found.count, "seed \(seed): \(text) became \(came)")
            for (name, value) in expected {
                guard let other = found[name], other == value else {
                    Issue.record("seed \(seed): \(text) became \(came)")
                    return
                }
            }
        }
    }

    @Test("keeps strings that Foundation reads the same before and after")
    func foundation() throws {
        let seed = UInt64.random(in: 0 ... .max)
        var generator = SeededGenerator(seed: seed)
        var random = RandomJSON(&generator)
        for _ in 0..<2_000 {
            let text = #"{"frame_id":"f","s":\#(random.string())}"#
            let before = try JSONSerialization.jsonObject(with: Data(text.utf8)) as? NSDictionary
            let after = try JSONSerialization.jsonObject(with: Data(try roundTrip(text).utf8)) as? NSDictionary
            #expect(before == after, "seed \(seed): \(text)")
        }
    }
}

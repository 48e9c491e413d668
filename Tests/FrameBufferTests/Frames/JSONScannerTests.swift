import Foundation
import Testing

@testable import FrameBuffer

@Suite("The JSON scanner")
struct JSONScannerTests {
    @Test(
        "takes every value that RFC 8259 has",
        arguments: [
            "0", "-0", "1", "-1", "10", "1.5", "-0.25", "1e1", "1E+1", "1e-1", "1.10e400", "12345678901234567890",
            "true",
            "false", "null", #""""#, #""a""#, #""\"\\\/\b\f\n\r\t""#, #""\u0000\u00e9\uD83D\uDE00""#,
            "\"\u{7F}é€😀\u{2028}\"",
            "[]", "[ ]", "[1]", "[1,2]", "[[[]],{}]", "{}", "{ }", #"{"a":1}"#, #"{"":{"":[]}}"#, "[\n1\t,\r2 ]",
            #"[{"a":[{"b":null}]}]"#,
        ]
    )
    func good(value: String) {
        #expect(Array(value.utf8).withUnsafeBytes(JSONScanner.validateValue) == nil)
        #expect(Array(" \t\r\n\(value)\n ".utf8).withUnsafeBytes(JSONScanner.validateValue) == nil)
        #expect(JSONScanner.fault(in: Array(#"{"v":\#(value)}"#.utf8)) == nil)
    }

    struct Bad: Sendable, CustomTestStringConvertible {
        let text: [UInt8]
        let code: FrameError.Code
        let offset: Int
        var testDescription: String { String(decoding: text, as: UTF8.self) }

        init(_ text: String, _ offset: Int, _ code: FrameError.Code = .invalidJSON) {
            self.init(Array(text.utf8), offset, code)
        }

        init(_ text: [UInt8], _ offset: Int, _ code: FrameError.Code) {
            self.text = text
            self.code = code
            self.offset = offset
        }
    }

    static let bad: [Bad] = [
        Bad("", 0), Bad("  ", 2), Bad("{", 1), Bad(#"{"a""#, 4), Bad(#"{"a":"#, 5), Bad(#"{"a":1"#, 6),
        Bad(#"{"a":1,"#, 7),
        Bad(#"{"a":1,}"#, 7), Bad(#"{"a" 1}"#, 5), Bad(#"{a:1}"#, 1), Bad(#"{'a':1}"#, 1), Bad(#"{"a":1 "b":2}"#, 7),
        Bad(#"{"a":1}x"#, 7), Bad(#"{"a":1} {}"#, 8), Bad(#"{"a":1}}"#, 7), Bad(#"{,}"#, 1), Bad(#"{"a"::1}"#, 5),
        Bad(#"{"a":01}"#, 6), Bad(#"{"a":+1}"#, 5), Bad(#"{"a":.5}"#, 5), Bad(#"{"a":1.}"#, 7), Bad(#"{"a":1.e1}"#, 7),
        Bad(#"{"a":1e}"#, 7), Bad(#"{"a":1e+}"#, 8), Bad(#"{"a":-}"#, 6), Bad(#"{"a":-a}"#, 6), Bad(#"{"a":0x1}"#, 6),
        Bad(#"{"a":NaN}"#, 5), Bad(#"{"a":nul}"#, 8), Bad(#"{"a":truth}"#, 8), Bad(#"{"a":True}"#, 5),
        Bad(#"{"a":Infinity}"#, 5),
        Bad(#"{"a":[1,]}"#, 8), Bad(#"{"a":[,1]}"#, 6), Bad(#"{"a":[1}"#, 7), Bad(#"{"a":{"b":1]}"#, 11),
        Bad(#"{"a":[1 2]}"#, 8),
        Bad(#"{"a":{"b"}}"#, 9), Bad(#"{"a":{"b":}}"#, 10), Bad(#"{"a":[}"#, 6), Bad(#"{"a":{]"#, 6),
        Bad(#"{"a":{"b":1,}}"#, 12),
        Bad(#"{"a":"b}"#, 5), Bad(#"{"a":"\x"}"#, 6), Bad(#"{"a":"\u12"}"#, 6), Bad(#"{"a":"\u12g4"}"#, 6),
        Bad(#"{"a":"\"#, 6),
        Bad(#"{"a":"\U0041"}"#, 6), Bad(#"{"a":"b\"}"#, 5), Bad("{\"a\":\"b\nc\"}", 7), Bad("{\"a\":\"\u{0}\"}", 6),
        Bad("{\"a\":\"01234567890123456789012345678901234567\u{1F}\"}", 44), Bad("{\"a\":1,\u{A0}\"b\":2}", 7),
        Bad("{\"a\":/**/1}", 5), Bad("\u{FEFF}{\"a\":1}", 0, .notAnObject),
        Bad(#"{"a":"\ud800"}"#, 6, .loneSurrogate), Bad(#"{"a":"\udc00"}"#, 6, .loneSurrogate),
        Bad(#"{"a":"x\ud800\u0041"}"#, 7, .loneSurrogate), Bad(#"{"a":"\ud800\ud800"}"#, 6, .loneSurrogate),
        Bad(#"{"a":[{"\udfff":1}]}"#, 8, .loneSurrogate), Bad(#"{"a":"\uD83D\uDE0"}"#, 6, .loneSurrogate),
        Bad("[]", 0, .notAnObject), Bad(" \"x\"", 1, .notAnObject), Bad("1", 0, .notAnObject),
        Bad("null", 0, .notAnObject),
        Bad("{}", 0, .empty), Bad(" { } ", 1, .empty),
        Bad(#"{"a":1,"a":2}"#, 7, .duplicateField), Bad(#"{"a":1,"b":2,"\u0061":3}"#, 13, .duplicateField),
        Bad(#"{"\/":1,"/":2}"#, 8, .duplicateField), Bad(#"{"é":1,"\u00e9":2}"#, 8, .duplicateField),
        Bad(#"{"o":{"a":1,"a":2}}"#, 12, .duplicateField),
        Bad(#"{"o":[{"a":{"x":1}},{"a":1,"b":{"x":2},"a":3}]}"#, 39, .duplicateField),
        Bad(#"{"":1,"":2}"#, 6, .duplicateField),
        Bad(Array(#"{"a":""#.utf8) + [0xFF, 0x22, 0x7D], 6, .invalidUTF8),
        Bad(Array(#"{"a":""#.utf8) + [0xC0, 0x80, 0x22, 0x7D], 6, .invalidUTF8),
        Bad(Array(#"{"a":""#.utf8) + [0xE0, 0x80, 0x80, 0x22, 0x7D], 6, .invalidUTF8),
        Bad(Array(#"{"a":""#.utf8) + [0xED, 0xA0, 0x80, 0x22, 0x7D], 6, .invalidUTF8),
        Bad(Array(#"{"a":""#.utf8) + [0xF4, 0x90, 0x80, 0x80, 0x22, 0x7D], 6, .invalidUTF8),
        Bad(Array(#"{"a":""#.utf8) + [0xC3, 0xA9, 0xC3, 0x22, 0x7D], 8, .invalidUTF8),
        Bad(Array(#"{"a":""#.utf8) + [0xE2, 0x82], 6, .invalidUTF8),
        Bad(Array(#"{""#.utf8) + [0x80] + Array(#"":1}"#.utf8), 2, .invalidUTF8),
    ]

    @Test("says why and where a text is no frame", arguments: bad)
    func refuses(bad: Bad) throws {
        let error = try #require(JSONScanner.fault(in: bad.text))
        #expect(error.code == bad.code, "\(error)")
        #expect(error.offset == bad.offset, "\(error)")
    }

    @Test("holds to its limits, and takes what just fits")
    func limits() {
        func fault(_ text: String) -> FrameError? { JSONScanner.fault(in: Array(text.utf8)) }
        func object(fields: Int) -> String { "{" + (0..<fields).map { #""f\#($0)":0"# }.joined(separator: ",") + "}" }
        func nested(_ depth: Int) -> String {
            #"{"a":"# + String(repeating: "[", count: depth - 1) + String(repeating: "]", count: depth - 1) + "}"
        }
        #expect(fault(object(fields: 128)) == nil)
        #expect(fault(object(fields: 129))?.code == .tooManyFields)
        #expect(fault(nested(64)) == nil)
        #expect(fault(nested(65))?.code == .nestedTooDeep)
        #expect(fault(nested(65))?.offset == 5 + 63)
        #expect(fault(nested(1_000_000))?.code == .nestedTooDeep)
        #expect(fault(#"{"\#(String(repeating: "é", count: 128))":1}"#) == nil)
        #expect(fault(#"{"\#(String(repeating: "\\u00e9", count: 128))":1}"#) == nil)
        #expect(fault(#"{"\#(String(repeating: "é", count: 128))a":1}"#)?.code == .fieldNameTooLong)
        #expect(fault(#"{"o":\#(object(fields: 2000))}"#) == nil)
    }

    @Test("a stored value may nest without end, and repeat names inside")
    func storedValues() {
        let deep = String(repeating: "[", count: 100_000) + String(repeating: "]", count: 100_000)
        for text in [deep, #"{"a":1,"a":2}"#] {
            #expect(Array(text.utf8).withUnsafeBytes(JSONScanner.validateValue) == nil)
        }
    }

    @Test("finds a name that repeats among many, and takes no long time for names that do not")
    func manyNames() {
        var names = (0..<60_000).map { #""name\#($0)":0"# }
        #expect(JSONScanner.fault(in: Array(#"{"o":{\#(names.joined(separator: ","))}}"#.utf8)) == nil)
        names.append(#""n\u0061me777":0"#)
        let error = JSONScanner.fault(in: Array(#"{"o":{\#(names.joined(separator: ","))}}"#.utf8))
        #expect(error?.code == .duplicateField)
    }

    @Test("answers ranges and kinds, and undoes escapes")
    func members() throws {
        let text = Array(
            #" {"a\n" : "x\ud83d\ude00\/\u00e9" ,"n":-1.50e3,"o":{"x":[1]},"l":[],"t":true,"z":null,"e":""} "#.utf8
        )
        let members = try JSONScanner.members(of: text)
        #expect(members.map(\.kind) == [.string, .number, .object, .array, .bool, .null, .string])
        text.withUnsafeBytes {
            let bytes = RawText($0)
            let texts = members.map { member in
                member.value.withUnescaped(in: bytes) { $0.string }
            }
            #expect(texts == ["x😀/é", "-1.50e3", #"{"x":[1]}"#, "[]", "true", "null", ""])
            #expect(members[0].name.withUnescaped(in: bytes) { $0.string } == "a\n")
            #expect(members[0].value.hasEscapes)
            #expect(members.dropFirst().allSatisfy { !$0.value.hasEscapes })
        }
    }

    @Test("finds the end of a string wherever it lies in a word, and what is wrong before it")
    func positionsInWords() {
        for length in 0..<100 {
            let filler = String(repeating: "x", count: length)
            #expect(JSONScanner.fault(in: Array(#"{"a":"\#(filler)"}"#.utf8)) == nil)
            #expect(JSONScanner.fault(in: Array(#"{"a":"\#(filler)\#u{1}"}"#.utf8))?.offset == 6 + length)
            #expect(JSONScanner.fault(in: Array(#"{"a":"\#(filler)\q"}"#.utf8))?.offset == 6 + length)
            #expect(JSONScanner.fault(in: Array(#"{"a":"\#(filler)"#.utf8) + [0x80])?.offset == 6 + length)
            #expect(JSONScanner.fault(in: Array(#"{"a":"\#(filler)é\n\#(filler)"}"#.utf8)) == nil)
        }
    }

    @Test("scans objects one after the other")
    func objectsInARow() throws {
        try Array("{\"a\":1}\n {\"b\":2}".utf8).withUnsafeBytes { bytes in
            var scanner = JSONScanner(bytes, limits: FrameLimits())
            var members: [JSONMember] = []
            try scanner.scanObject(into: &members)
            #expect(scanner.position == 7)
            scanner.skipBlanks()
            try scanner.scanObject(into: &members)
            try scanner.finish()
            #expect(members.count == 1)
        }
    }

    // MARK: Foundation as the reference

    /// Where Foundation is known to judge otherwise.
    ///
    /// It is laxer with a comma before a closing bracket, a byte order mark, and UTF-16 and UTF-32 (which a NUL near the
    /// beginning makes of any text); it is stricter with numbers it has no type for, as `1e999`.
    private func foundationDiffers(_ text: [UInt8], isTaken: Bool) -> Bool {
        let characters = String(decoding: text, as: UTF8.self)
        if isTaken { return characters.contains(/[eE][+-]?0*[1-9]\d\d/) }
        return characters.contains(/,\s*[}\]]/) || text.prefix(4).contains(0) || text.starts(with: [0xEF, 0xBB, 0xBF])
    }

    private func foundationReads(_ text: [UInt8]) -> Bool {
        (try? JSONSerialization.jsonObject(with: Data(text), options: [.fragmentsAllowed])) != nil
    }

    @Test("agrees with Foundation on texts with random faults")
    func fuzz() {
        let seed = UInt64.random(in: 0 ... .max)
        var generator = SeededGenerator(seed: seed)
        let alphabet =
            Array(#"{}[]",:\/u0019eE+-.tfn aé"#.utf8) + [
                0x00, 0x1F, 0x7F, 0x80, 0xC3, 0xED, 0xA0, 0xFF, 0xF0, 0x9F, 0x98, 0x80,
            ]
        for round in 0..<20_000 {
            var random = RandomJSON(&generator)
            var text = Array(random.object().utf8)
            for _ in 0..<Int.random(in: 0...2, using: &generator) {
                let position = Int.random(in: 0..<text.count, using: &generator)
                switch Int.random(in: 0...2, using: &generator) {
                case 0: text[position] = alphabet.randomElement(using: &generator) ?? 0
                case 1: text.insert(alphabet.randomElement(using: &generator) ?? 0, at: position)
                default: text.remove(at: position)
                }
                if text.isEmpty { text = [0x20] }
            }
            let fault = text.withUnsafeBytes(JSONScanner.validateValue)
            let reads = foundationReads(text)
            if (fault == nil) != reads, !foundationDiffers(text, isTaken: fault == nil) {
                let judged = fault.map(\.description) ?? "taken"
                Issue.record(
                    "seed \(seed), round \(round): \(judged), not so by Foundation: \(String(decoding: text, as: UTF8.self))"
                )
                return
            }
        }
    }

    @Test("never reads past random bytes, nor fails over them")
    func randomBytes() {
        let seed = UInt64.random(in: 0 ... .max)
        var generator = SeededGenerator(seed: seed)
        let structural = Array(#"{}[]",:\u"#.utf8)
        for _ in 0..<20_000 {
            let count = Int.random(in: 0...64, using: &generator)
            var text = (0..<count).map { _ in
                Bool.random(using: &generator)
                    ? structural.randomElement(using: &generator) ?? 0 : UInt8.random(in: 0...255, using: &generator)
            }
            if Bool.random(using: &generator) { text = Array(#"{""#.utf8) + text }
            if let fault = JSONScanner.fault(in: text) {
                #expect((0...text.count).contains(fault.offset ?? -1), "seed \(seed)")
            }
        }
    }
}

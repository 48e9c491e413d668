import FrameTracking
import Testing

@Suite("baggage")
struct BaggageTests {
    @Test(
        "Valid lists are passed on, without the blanks around anything in them",
        arguments: [
            ("a=1", "a=1"),
            ("a=1,b=2", "a=1,b=2"),
            ("userId=alice,serverNode=DF%2028", "userId=alice,serverNode=DF%2028"),
            (" a\t=\t1 , b = 2 ;\tp ; q = r", "a=1,b=2;p;q=r"),
            ("a=1,,b=2, ,", "a=1,b=2"),
            ("a=", "a="),
            ("a==b=c", "a==b=c"),
            ("a=1;p=", "a=1;p="),
            ("A=1,a=2,a=2", "A=1,a=2,a=2"),
            ("!#$%&'*+-.^_`|~09azAZ=1", "!#$%&'*+-.^_`|~09azAZ=1"),
            ("a=!#$%&'()*+-./09:<=>?@AZ[]^_`az{|}~", "a=!#$%&'()*+-./09:<=>?@AZ[]^_`az{|}~"),
        ]
    )
    func valid(header: String, passedOn: String) {
        #expect(Baggage(header)?.rawValue == passedOn)
    }

    @Test(
        "A malformed member is dropped, and nothing else with it",
        arguments: [
            "a", "=1", " =1", "a b=1", "a\"=1", "a=b c", "a=\"b\"", "a=b\\c", "a=é", "é=1", "a=1;", "a=1;;p", "a=1;=2",
            "a=1;p q", "a=1;p=q r", "a=\u{7F}", "a=\u{0}", "a@=1", "a[=1", ";p=1", "a/b=1",
        ]
    )
    func malformed(member: String) {
        #expect(Baggage(member) == nil)
        #expect(Baggage("x=1,\(member),y=2")?.rawValue == "x=1,y=2")
    }

    @Test("An empty list is none", arguments: ["", " ", ",", " , ,\t"])
    func empty(header: String) {
        #expect(Baggage(header) == nil)
    }

    @Test("Several header fields make one list, in their order")
    func combining() {
        #expect(Baggage(combining: ["a=1, b=2", "", "bad", "c=3"])?.rawValue == "a=1,b=2,c=3")
        #expect(Baggage(combining: []) == nil)
    }

    @Test("64 members are passed on, and of more the first 64")
    func mostMembers() {
        let members = (1...65).map { "key\($0)=\($0)" }
        let most = members.prefix(64).joined(separator: ",")
        #expect(Baggage(most)?.rawValue == most)
        #expect(Baggage(combining: members)?.rawValue == most)
    }

    @Test("8192 bytes are passed on; of more, the members that fit")
    func mostBytes() {
        let longest = "a=" + String(repeating: "v", count: 8190)
        #expect(Baggage(longest)?.rawValue == longest)
        #expect(Baggage(longest + "v") == nil)
        let rest = "b=" + String(repeating: "v", count: 8186)
        #expect(Baggage("k=1,\(rest)")?.rawValue == "k=1,\(rest)")
        #expect(Baggage("kk=1,\(rest),c=3")?.rawValue == "kk=1,c=3")
    }

    @Test("No text whatever makes the parser stumble, and what it passes on it takes")
    func fuzz() {
        let seed = UInt64.random(in: 0 ... .max)
        var generator = SeededGenerator(seed: seed)
        let alphabet = Array("ab=;, \t\"\\%é\u{7F}".unicodeScalars)
        for _ in 0..<10_000 {
            var text = ""
            for _ in 0..<Int.random(in: 0...24, using: &generator) {
                text.unicodeScalars.append(alphabet[Int.random(in: alphabet.indices, using: &generator)])
            }
            if let baggage = Baggage(text) { #expect(Baggage(baggage.rawValue) == baggage, "seed \(seed): \(text)") }
        }
    }
}

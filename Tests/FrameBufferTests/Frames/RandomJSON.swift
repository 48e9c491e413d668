/// Makes up JSON texts: all kinds of values, escapes, blanks, scripts.
struct RandomJSON<Generator: RandomNumberGenerator> {
    private var generator: Generator

    init(_ generator: inout Generator) where Generator == SeededGenerator {
        self.generator = SeededGenerator(seed: generator.next())
    }

    /// An object of a few fields, each name once.
    mutating func object(depth: Int = 3) -> String {
        let count = number(1...6)
        return "{"
            + (0..<count).map { "\(blank())\(name($0))\(blank()):\(blank())\(value(depth: depth))\(blank())" }
            .joined(separator: ",") + "}"
    }

    /// A value that nests up to `depth` deep.
    mutating func value(depth: Int) -> String {
        switch number(0...(depth > 0 ? 9 : 6)) {
        case 0: return ["true", "false", "null"][number(0...2)]
        case 1: return "\(number(-1000...1000))"
        case 2: return "\(number(-9...9)).\(number(0...99))e\(number(-20...20))"
        case 3: return "\(UInt64.random(in: 0 ... .max, using: &generator))"
        case 4, 5, 6: return string()
        case 7: return "[\(blank())]"
        case 8:
            let count = number(1...4)
            return "[" + (0..<count).map { _ in blank() + value(depth: depth - 1) }.joined(separator: ",") + "]"
        default: return object(depth: depth - 1)
        }
    }

    /// A string of some length, in quotes.
    mutating func string() -> String {
        let pieces = [
            "a", "Z", "0", " ", "/", "{", "'", "é", "ß", "€", "日本", "😀", "\u{7F}", "\u{2028}", "%", ",", #"\""#, #"\\"#,
            #"\/"#,
            #"\b"#, #"\f"#, #"\n"#, #"\r"#, #"\t"#, #"\u0000"#, #"\u001f"#, #"\u00E9"#, #"\ud83d\ude00"#, #"\uFFFF"#,
            "plain text of some length",
        ]
        let count = number(0...8)
        return "\"" + (0..<count).map { _ in pieces[number(0...pieces.count - 1)] }.joined() + "\""
    }

    private mutating func name(_ index: Int) -> String {
        let body = string().dropFirst().dropLast()
        return "\"\(index)\(body)\""
    }

    private mutating func blank() -> String {
        ["", "", "", " ", "\n\t", "\r"][number(0...5)]
    }

    private mutating func number(_ range: ClosedRange<Int>) -> Int {
        Int.random(in: range, using: &generator)
    }
}

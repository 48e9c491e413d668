import NIOCore
import Testing

@testable import FrameBuffer

@Suite("A batch on its way in")
struct BatchBodyTests {
    private func fault(_ body: () throws(FrameError) -> [IncomingFrame]) -> FrameError? {
        do throws(FrameError) {
            _ = try body()
            return nil
        } catch {
            return error
        }
    }

    private func array(_ text: String, limits: FrameLimits = FrameLimits()) throws(FrameError) -> [IncomingFrame] {
        try IncomingFrame.batch(ByteBuffer(string: text), limits: limits)
    }

    private func lines(_ text: String, limits: FrameLimits = FrameLimits()) throws(FrameError) -> [IncomingFrame] {
        try IncomingFrame.lines(ByteBuffer(string: text), limits: limits)
    }

    @Test("is each element of an array, read as if it had come alone")
    func elements() throws {
        let objects = [
            #"{"frame_id":"a","n":1.10,"t":"é\u0041"}"#, #"{"frame_id":2,"data":"AAH/","data_encoding":"base64"}"#,
            #"{"camera_id":"c","o":{"x":[1,{"y":null}]}}"#,
        ]
        for blank in ["", " \n\t\r"] {
            let text = blank + "[" + blank + objects.joined(separator: blank + "," + blank) + blank + "]" + blank
            let frames = try array(text)
            #expect(frames.count == 3)
            for (frame, object) in zip(frames, objects) {
                let alone = try IncomingFrame.json(ByteBuffer(string: object))
                #expect(frame.frameID == alone.frameID)
                #expect(EntryFields(frame).json() == EntryFields(alone).json())
                #expect(frame.size == alone.size)
            }
        }
    }

    @Test("is each line of NDJSON, whatever ends it; blank lines are none")
    func lineEnds() throws {
        for text in ["{\"n\":1}\n{\"n\":2}", "{\"n\":1}\r\n{\"n\":2}\r\n", "\n \t\n{\"n\":1}\n\r\n\n {\"n\":2} \n\n"] {
            let frames = try lines(text)
            #expect(frames.map { EntryFields($0)["n"] } == ["1", "2"], "\(text)")
        }
    }

    @Test(
        "names the frame that is none by its index, and the byte",
        arguments: [
            ("[", nil, 1), ("[]", nil, 0), (" [ ] ", nil, 1), ("[{\"a\":1}]x", nil, 9),
            ("[{}]", 0, 1), ("[{\"a\":1},{}]", 1, 9), ("[{\"a\":1},7]", 1, 9), ("[{\"a\":1},[]]", 1, 9),
            ("[{\"a\":1},]", 1, 9), ("[{\"a\":1} {\"a\":1}]", 1, 9), ("[{\"a\":1}", 1, 8),
            ("[{\"a\":1},{\"a\":1},{\"a\":tru}]", 2, 25), ("[{\"a\":1},{\"_json\":1}]", 1, 10),
            ("[{\"frame_id\":true}]", 0, 13), ("[{\"a\":1,\"a\":2}]", 0, 8), ("[null]", 0, 1),
        ] as [(String, Int?, Int)]
    )
    func faultyElement(text: String, index: Int?, offset: Int) throws {
        let error = try #require(fault { () throws(FrameError) in try array(text) })
        // A text that ends, or an array without an element, is no frame's fault.
        #expect(error.place == index.map { .index($0) } || (index == nil && error.place == .index(0)), "\(error)")
        #expect(error.offset == offset, "\(error)")
    }

    @Test(
        "names the line that is no frame, and the byte",
        arguments: [
            ("", nil, 0), ("\n\n", nil, 0), ("{\"a\":1}\n\n{}\n", 3, 9), ("{\"a\":1}{\"a\":1}", 1, 7),
            ("{\"a\":1}\n{\"a\":\n1}", 2, 13), ("[{\"a\":1}]", 1, 0), ("{\"a\":1},\n{\"a\":1}", 1, 7),
            ("{\"a\":1}\n{\"a\":\"x\n\"}", 2, 13),
        ] as [(String, Int?, Int)]
    )
    func faultyLine(text: String, line: Int?, offset: Int) throws {
        let error = try #require(fault { () throws(FrameError) in try lines(text) })
        #expect(error.place == line.map { .line($0) }, "\(error)")
        #expect(error.offset == offset, "\(error)")
    }

    @Test("has at most as many frames as the limit says")
    func limit() throws {
        let limits = FrameLimits(batch: 3)
        let objects = { (count: Int) in (0..<count).map { #"{"n":\#($0)}"# } }
        #expect(try array("[\(objects(3).joined(separator: ","))]", limits: limits).count == 3)
        #expect(try lines(objects(3).joined(separator: "\n"), limits: limits).count == 3)
        let inArray = fault { () throws(FrameError) in
            try array("[\(objects(4).joined(separator: ","))]", limits: limits)
        }
        #expect(inArray?.code == .tooManyFrames)
        #expect(inArray?.place == .index(3))
        #expect(inArray?.message.contains("3") == true)
        let inLines = fault { () throws(FrameError) in try lines(objects(4).joined(separator: "\n"), limits: limits) }
        #expect(inLines?.code == .tooManyFrames)
        #expect(inLines?.place == .line(4))
    }

    @Test("keeps to the limits of each frame: the array itself is no level of nesting")
    func frameLimits() throws {
        let limits = FrameLimits(fields: 2, nesting: 2)
        #expect(try array(#"[{"a":[1],"b":{"c":1}}]"#, limits: limits).count == 1)
        let deep = fault { () throws(FrameError) in try array(#"[{"a":1},{"a":[[1]]}]"#, limits: limits) }
        #expect(deep?.code == .nestedTooDeep)
        #expect(deep?.place == .index(1))
        let wide = fault { () throws(FrameError) in try lines(#"{"a":1,"b":2,"c":3}"#, limits: limits) }
        #expect(wide?.code == .tooManyFields)
    }

    @Test("of random objects is what they are alone, as array and as lines; cut short, it is refused or shorter")
    func random() throws {
        let seed = UInt64.random(in: .min ... .max)
        var generator = SeededGenerator(seed: seed)
        for _ in 0..<100 {
            let objects = (0..<Int.random(in: 1...5, using: &generator)).map { number in
                #"{"frame_id":"f\#(number)","v":\#(String(repeating: "[", count: number))1"#
                    + String(repeating: "]", count: number)
                    + #","t":"\#(["é", "\\n", ",]}", ""].randomElement(using: &generator) ?? "")"}"#
            }
            let expected = try objects.map { EntryFields(try .json(ByteBuffer(string: $0))).json() }
            let (text, rows) = ("[\(objects.joined(separator: ","))]", objects.joined(separator: "\n"))
            #expect(try array(text).map { EntryFields($0).json() } == expected, "seed \(seed)")
            #expect(try lines(rows).map { EntryFields($0).json() } == expected, "seed \(seed)")
            let cut = Array(text.utf8.prefix(Int.random(in: 0..<text.utf8.count, using: &generator)))
            let error = fault { () throws(FrameError) in try IncomingFrame.batch(ByteBuffer(bytes: cut)) }
            #expect(error != nil, "seed \(seed)")
            let part = Array(rows.utf8.prefix(Int.random(in: 0...rows.utf8.count, using: &generator)))
            if let frames = try? IncomingFrame.lines(ByteBuffer(bytes: part)) {
                #expect(frames.map { EntryFields($0).json() } == Array(expected.prefix(frames.count)), "seed \(seed)")
            }
        }
    }
}

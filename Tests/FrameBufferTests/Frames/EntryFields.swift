import NIOCore

@testable import FrameBuffer

/// An entry of a stream, kept by a test between the way in and the way out.
struct EntryFields {
    var fields: [(name: [UInt8], value: [UInt8])] = []

    init() {}

    /// The entry that a frame becomes.
    init(_ frame: IncomingFrame, frameID: String? = nil, context: OutgoingContext? = nil) {
        let frameID = frameID ?? frame.frameID ?? "generated"
        frame.forEachField(frameID: frameID, context: context) { name, value in
            fields.append((Array(name), Array(value)))
        }
    }

    /// What another client wrote: names and values by turns.
    init(_ words: String...) {
        for index in stride(from: 0, to: words.count - 1, by: 2) {
            fields.append((Array(words[index].utf8), Array(words[index + 1].utf8)))
        }
    }

    var names: [String] { fields.map { String(decoding: $0.name, as: UTF8.self) } }

    subscript(name: String) -> String? {
        fields.last { $0.name == Array(name.utf8) }.map { String(decoding: $0.value, as: UTF8.self) }
    }

    /// Reads the entry back, in memory that lives as long as the call.
    func read<Result>(_ body: (StoredFrame) -> Result) -> Result {
        var memory: [UInt8] = []
        var ranges: [(Range<Int>, Range<Int>)] = []
        for field in fields {
            let start = memory.count
            memory += field.name
            let middle = memory.count
            memory += field.value
            ranges.append((start..<middle, middle..<memory.count))
        }
        return memory.withUnsafeBytes { bytes in
            body(
                StoredFrame(
                    ranges.map {
                        (UnsafeRawBufferPointer(rebasing: bytes[$0]), UnsafeRawBufferPointer(rebasing: bytes[$1]))
                    }
                )
            )
        }
    }

    /// The frame as a reply has it.
    func json(context: OutgoingContext? = nil) -> String {
        read { frame in
            var buffer = ByteBuffer()
            frame.writeJSON(into: &buffer, context: context)
            return String(buffer: buffer)
        }
    }
}

extension JSONScanner {
    /// Scans `text` as the object of a body.
    static func members(of text: [UInt8], limits: FrameLimits = FrameLimits()) throws(FrameError) -> [JSONMember] {
        try ByteBuffer(bytes: text).withUnsafeReadableBytes { bytes throws(FrameError) in
            var scanner = JSONScanner(bytes, limits: limits)
            var members: [JSONMember] = []
            scanner.skipBlanks()
            try scanner.scanObject(into: &members)
            try scanner.finish()
            return members
        }
    }

    static func fault(in text: [UInt8], limits: FrameLimits = FrameLimits()) -> FrameError? {
        do throws(FrameError) {
            _ = try members(of: text, limits: limits)
            return nil
        } catch {
            return error
        }
    }
}

/// A generator whose sequence can be had again: its seed is printed by tests that fail.
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) {
        state = seed
    }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var word = state
        word = (word ^ word >> 30) &* 0xBF58_476D_1CE4_E5B9
        word = (word ^ word >> 27) &* 0x94D0_49BB_1331_11EB
        return word ^ word >> 31
    }
}

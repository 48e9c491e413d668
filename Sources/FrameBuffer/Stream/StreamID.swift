/// The id of a stream entry, `<milliseconds>-<sequence>`: the message id of a frame.
package struct StreamID: Hashable, Comparable, Sendable, CustomStringConvertible {
    /// Redis' clock when the entry was added, since 1970.
    package let milliseconds: UInt64
    /// Its place among the entries of that millisecond.
    package let sequence: UInt64

    /// An id of two numbers.
    package init(milliseconds: UInt64, sequence: UInt64) {
        self.milliseconds = milliseconds
        self.sequence = sequence
    }

    /// The one before all others: no entry has it.
    package static let first = StreamID(milliseconds: 0, sequence: 0)

    /// The one behind it.
    var next: StreamID {
        sequence < .max
            ? StreamID(milliseconds: milliseconds, sequence: sequence + 1)
            : StreamID(milliseconds: milliseconds + 1, sequence: 0)
    }

    /// Reads the text of an id, its halves padded with zeros or not; nil for anything else.
    package init?(_ text: UnsafeRawBufferPointer) {
        guard let (milliseconds, dash) = Self.number(text, from: 0),
            dash < text.count, text[dash] == UInt8(ascii: "-"),
            let (sequence, end) = Self.number(text, from: dash + 1), end == text.count
        else { return nil }
        self.init(milliseconds: milliseconds, sequence: sequence)
    }

    /// Reads the text of an id; nil for anything else.
    package init?(_ text: String) {
        guard let id = text.withRawText({ StreamID($0.buffer) }) else { return nil }
        self = id
    }

    package static func < (one: StreamID, other: StreamID) -> Bool {
        (one.milliseconds, one.sequence) < (other.milliseconds, other.sequence)
    }

    package var description: String {
        String(unsafeUninitializedCapacity: Self.maximumCount) { bytes in
            UnsafeMutableRawPointer(bytes.baseAddress).map(write) ?? 0
        }
    }

    /// Calls `body` with its text.
    func withText<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result {
        withUnsafeTemporaryAllocation(byteCount: Self.maximumCount, alignment: 1) { memory in
            let count = memory.baseAddress.map(write) ?? 0
            return body(UnsafeRawBufferPointer(rebasing: memory[..<count]))
        }
    }

    /// As many bytes as its text has at most.
    static let maximumCount = 2 * DecimalText.maximumCount + 1

    /// Writes its text to `memory`, which has room for ``maximumCount`` bytes, and returns how many they are.
    func write(to memory: UnsafeMutableRawPointer) -> Int {
        let dash = DecimalText.write(milliseconds, to: memory)
        memory.storeBytes(of: UInt8(ascii: "-"), toByteOffset: dash, as: UInt8.self)
        return dash + 1 + DecimalText.write(sequence, to: memory + dash + 1)
    }

    /// Both halves with twenty digits: texts in the order of the stream, as the members of a sorted set are compared.
    var padded: String {
        String(unsafeUninitializedCapacity: Self.maximumCount) { bytes in
            guard let start = UnsafeMutableRawPointer(bytes.baseAddress) else { return 0 }
            pad(to: start)
            return Self.maximumCount
        }
    }

    /// Writes ``padded`` to `memory`, which has room for ``maximumCount`` bytes.
    func pad(to memory: UnsafeMutableRawPointer) {
        let rest = memory + DecimalText.maximumCount
        DecimalText.write(milliseconds, padding: memory)
        rest.storeBytes(of: UInt8(ascii: "-"), as: UInt8.self)
        DecimalText.write(sequence, padding: rest + 1)
    }

    /// The number that begins at `start`, and where it ends; nil where there is none, or one that is too large.
    private static func number(_ text: UnsafeRawBufferPointer, from start: Int) -> (UInt64, end: Int)? {
        var number: UInt64 = 0
        var index = start
        while index < text.count, UInt8(ascii: "0")...UInt8(ascii: "9") ~= text[index] {
            let (tens, overTen) = number.multipliedReportingOverflow(by: 10)
            let (sum, over) = tens.addingReportingOverflow(UInt64(text[index] - UInt8(ascii: "0")))
            guard !overTen, !over else { return nil }
            number = sum
            index += 1
        }
        return index > start ? (number, index) : nil
    }
}

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
        guard let dash = text.firstIndex(of: UInt8(ascii: "-")),
            let milliseconds = Self.number(text[..<dash]), let sequence = Self.number(text[(dash + 1)...])
        else { return nil }
        self.init(milliseconds: milliseconds, sequence: sequence)
    }

    /// Reads the text of an id; nil for anything else.
    package init?(_ text: String) {
        var text = text
        guard let id = text.withUTF8({ StreamID(UnsafeRawBufferPointer($0)) }) else { return nil }
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
            let rest = start + DecimalText.maximumCount
            DecimalText.write(milliseconds, padding: start)
            rest.storeBytes(of: UInt8(ascii: "-"), as: UInt8.self)
            DecimalText.write(sequence, padding: rest + 1)
            return Self.maximumCount
        }
    }

    private static func number(_ digits: Slice<UnsafeRawBufferPointer>) -> UInt64? {
        guard !digits.isEmpty else { return nil }
        var number: UInt64 = 0
        for digit in UnsafeRawBufferPointer(rebasing: digits) {
            guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(digit) else { return nil }
            let (tens, overTen) = number.multipliedReportingOverflow(by: 10)
            let (sum, over) = tens.addingReportingOverflow(UInt64(digit - UInt8(ascii: "0")))
            guard !overTen, !over else { return nil }
            number = sum
        }
        return number
    }
}

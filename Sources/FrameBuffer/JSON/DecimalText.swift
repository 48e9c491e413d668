/// The decimal digits of numbers, which the standard library writes by way of generic types: that takes longer than all the rest
/// of a short reply.
enum DecimalText {
    /// As many as a number has at most.
    static let maximumCount = 20

    /// Writes the digits to `memory`, which has room for ``maximumCount``, and returns how many they are.
    static func write(_ number: UInt64, to memory: UnsafeMutableRawPointer) -> Int {
        var count = 1
        var rest = number / 10
        while rest > 0 {
            count += 1
            rest /= 10
        }
        write(number, filling: UnsafeMutableRawBufferPointer(start: memory, count: count))
        return count
    }

    /// Fills `memory`, of ``maximumCount`` bytes, with the digits and zeros before them.
    static func write(_ number: UInt64, padding memory: UnsafeMutableRawPointer) {
        write(number, filling: UnsafeMutableRawBufferPointer(start: memory, count: maximumCount))
    }

    private static func write(_ number: UInt64, filling memory: UnsafeMutableRawBufferPointer) {
        var rest = number
        for place in memory.indices.reversed() {
            memory[place] = UInt8(ascii: "0") + UInt8(rest % 10)
            rest /= 10
        }
    }
}

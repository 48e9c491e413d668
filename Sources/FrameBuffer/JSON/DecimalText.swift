/// The decimal digits of numbers, which the standard library writes by way of generic types: that takes longer than all the rest
/// of a short reply.
enum DecimalText {
    /// As many as a number has at most.
    static let maximumCount = 20

    /// Writes the digits to `memory`, which has room for ``maximumCount``, and returns how many they are.
    static func write(_ number: UInt64, to memory: UnsafeMutableRawPointer) -> Int {
        var count = 1
        var bound: UInt64 = 10
        while number >= bound, count < maximumCount {
            count += 1
            bound &*= 10
        }
        write(number, filling: UnsafeMutableRawBufferPointer(start: memory, count: count))
        return count
    }

    /// Fills `memory`, of ``maximumCount`` bytes, with the digits and zeros before them.
    static func write(_ number: UInt64, padding memory: UnsafeMutableRawPointer) {
        write(number, filling: UnsafeMutableRawBufferPointer(start: memory, count: maximumCount))
    }

    private static func write(_ number: UInt64, filling memory: UnsafeMutableRawBufferPointer) {
        guard let start = memory.baseAddress else { return }
        var rest = number
        var place = start + memory.count
        while place > start {
            place -= 1
            place.storeBytes(of: UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10), as: UInt8.self)
            rest /= 10
        }
    }
}

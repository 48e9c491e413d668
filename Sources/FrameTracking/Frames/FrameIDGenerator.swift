import Synchronization

/// Makes frame identifiers in the order of (milliseconds, sequence), from any number of threads.
///
/// While the clock is behind its furthest, the last millisecond is held and the sequence goes on, so that the order
/// holds and no identifier is ahead of the clock at its furthest.
public final class FrameIDGenerator: Sendable {
    /// The generator of this process: there is one sequence in a process.
    public static let shared = FrameIDGenerator(
        now: { Int64(WallClock.nanoseconds() / 1_000_000) },
        suffix: { IdentifierGenerator.shared.makeWord() }
    )

    private struct Position {
        var milliseconds: Int64 = 0
        var sequence: UInt64 = 0
    }

    private let position = Mutex(Position())
    private let now: @Sendable () -> Int64
    private let suffix: @Sendable () -> UInt32

    static let minimumSequenceDigits = 4
    private static let suffixDigits = 8
    /// With these, no identifier is longer than the 256 bytes that a frame's identifier may have.
    private static let maximumSource = 64
    private static let maximumCamera = 128
    /// Separators, both numbers at their longest, and the suffix.
    private static let fixedLength = 4 + 20 + 20 + suffixDigits

    /// A generator.
    ///
    /// - Parameters:
    ///   - now: milliseconds since 1970; it is called under a lock and must be quick.
    ///   - suffix: random bits for each identifier.
    public init(now: @escaping @Sendable () -> Int64, suffix: @escaping @Sendable () -> UInt32) {
        self.now = now
        self.suffix = suffix
    }

    /// A new identifier. Of a long `source` or `cameraID` only the beginning is in it.
    public func generate(cameraID: String = "unknown", source: String = "http") -> String {
        let position = position.withLock { position in
            // Asked under the lock: a time taken before it could be older than one already given out.
            position.milliseconds = max(position.milliseconds, now())
            position.sequence += 1
            return position
        }
        let suffix = suffix()
        let labels = max(source.utf8.count, 8) + max(cameraID.utf8.count, 8)
        let capacity =
            FrameIDGenerator.fixedLength + min(labels, FrameIDGenerator.maximumSource + FrameIDGenerator.maximumCamera)
        return String(unsafeUninitializedCapacity: capacity) { bytes in
            var writer = Writer(bytes: UnsafeMutableRawBufferPointer(bytes))
            writer.number(UInt64(clamping: position.milliseconds), minimumDigits: 1)
            writer.separator()
            writer.label(source, limit: FrameIDGenerator.maximumSource)
            writer.separator()
            writer.label(cameraID, limit: FrameIDGenerator.maximumCamera)
            writer.separator()
            writer.number(position.sequence, minimumDigits: FrameIDGenerator.minimumSequenceDigits)
            writer.separator()
            Hexadecimal.write(suffix, to: writer.bytes, at: writer.count)
            return writer.count + FrameIDGenerator.suffixDigits
        }
    }

    // MARK: Writing

    private struct Writer {
        let bytes: UnsafeMutableRawBufferPointer
        var count = 0

        mutating func put(_ byte: UInt8) {
            bytes[count] = byte
            count += 1
        }

        mutating func separator() {
            put(UInt8(ascii: "_"))
        }

        mutating func number(_ value: UInt64, minimumDigits: Int) {
            var digits = 1
            var bound: UInt64 = 10
            while digits < 20, digits < minimumDigits || value >= bound {
                digits += 1
                bound = digits < 20 ? bound * 10 : .max
            }
            var rest = value
            for index in stride(from: count + digits - 1, through: count, by: -1) {
                bytes[index] = UInt8(ascii: "0") + UInt8(rest % 10)
                rest /= 10
            }
            count += digits
        }

        /// One character for one of the text's, so that the rest of a character of several bytes is passed over.
        mutating func label(_ text: String, limit: Int) {
            let start = count
            text.withBytes { text in
                for byte in text where byte & 0xC0 != 0x80 {
                    if count - start == limit { break }
                    put(FrameID.isLabelCharacter(byte) ? byte : UInt8(ascii: "-"))
                }
            }
            if count == start {
                for byte in "unknown".utf8 { put(byte) }
            }
        }
    }
}

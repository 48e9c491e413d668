/// An identifier that this package gave to a frame, read back into its parts:
/// `{milliseconds}_{source}_{camera}_{sequence}_{8 hex}`, e.g. `1753608701224_http_cam01_0001_ccade578`.
///
/// Producers may bring any other text as an identifier; that is none of these.
public struct FrameID: Hashable, Sendable {
    /// When it was made, in milliseconds since 1970. Never decreases within a process.
    public let milliseconds: Int64
    /// What made the frame known, such as `http` or `rtsp-capture`.
    public let source: String
    /// The camera that took it; `unknown` if that was not said.
    public let cameraID: String
    /// Its number among all that the process made, from 1.
    public let sequence: UInt64
    /// Random bits that tell it from those of other processes.
    public let suffix: UInt32

    /// The parts of an identifier's text; nil if it is not of this form.
    public init?(_ text: String) {
        let parts = text.utf8.split(separator: UInt8(ascii: "_"), omittingEmptySubsequences: false)
        guard parts.count == 5,
            let milliseconds = FrameID.number(parts[0]).flatMap({ Int64(exactly: $0) }),
            FrameID.isLabel(parts[1]), FrameID.isLabel(parts[2]),
            parts[3].count >= FrameIDGenerator.minimumSequenceDigits, let sequence = FrameID.number(parts[3]),
            parts[4].count == 8, let suffix = Array(parts[4]).withUnsafeBytes({ Hexadecimal.parse($0[...]) })
        else { return nil }
        self.milliseconds = milliseconds
        self.source = String(Substring(parts[1]))
        self.cameraID = String(Substring(parts[2]))
        self.sequence = sequence
        self.suffix = UInt32(suffix)
    }

    /// A new identifier, unique across processes and machines.
    ///
    /// Characters outside of `[A-Za-z0-9.-]` become `-`.
    public static func generate(cameraID: String = "unknown", source: String = "http") -> String {
        FrameIDGenerator.shared.generate(cameraID: cameraID, source: source)
    }

    // MARK: Grammar

    /// Whether a label may contain this character as it is.
    static func isLabelCharacter(_ character: UInt8) -> Bool {
        switch character {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "-"):
            true
        default: false
        }
    }

    private static func isLabel(_ text: Substring.UTF8View) -> Bool {
        !text.isEmpty && text.allSatisfy(isLabelCharacter)
    }

    /// Digits only: `UInt64` itself would take a sign.
    private static func number(_ text: Substring.UTF8View) -> UInt64? {
        let digits = UInt8(ascii: "0")...UInt8(ascii: "9")
        return text.allSatisfy(digits.contains) ? UInt64(Substring(text)) : nil
    }
}

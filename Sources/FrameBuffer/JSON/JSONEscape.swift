/// One escape of a JSON string: what it stands for, and how long it is in the text.
struct JSONEscape {
    /// Why a backslash does not begin an escape.
    enum Fault: Error {
        case malformed, loneSurrogate
    }

    /// The character it stands for; nil where it is faulty.
    let character: Unicode.Scalar?
    /// Bytes that it takes in the text; 12 for a pair of surrogates.
    let length: Int
    let fault: Fault?

    /// Reads the escape whose backslash is at `index`.
    init(_ bytes: RawText, at index: Int) {
        let letter = index + 1 < bytes.count ? bytes[index + 1] : 0
        let short: UInt8? =
            switch letter {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): letter
            case UInt8(ascii: "b"): 0x08
            case UInt8(ascii: "f"): 0x0C
            case UInt8(ascii: "n"): 0x0A
            case UInt8(ascii: "r"): 0x0D
            case UInt8(ascii: "t"): 0x09
            default: nil
            }
        if let short {
            self.init(Unicode.Scalar(short), length: 2)
        } else if let unit = Self.unit(bytes, at: index) {
            if let scalar = Unicode.Scalar(unit) {
                self.init(scalar, length: 6)
            } else if UTF16.isLeadSurrogate(UInt16(unit)), let trail = Self.unit(bytes, at: index + 6),
                UTF16.isTrailSurrogate(UInt16(trail))
            {
                self.init(Unicode.Scalar(0x10000 + (unit & 0x3FF) << 10 + trail & 0x3FF), length: 12)
            } else {
                self.init(nil, length: 6, fault: .loneSurrogate)
            }
        } else {
            self.init(nil, length: 2, fault: .malformed)
        }
    }

    private init(_ character: Unicode.Scalar?, length: Int, fault: Fault? = nil) {
        self.character = character
        self.length = length
        self.fault = fault
    }

    /// The character in UTF-8; nothing where the escape is faulty.
    var utf8: Unicode.UTF8.EncodedScalar { character.flatMap(UTF8.encode) ?? .init() }

    /// The UTF-16 code unit of `\uXXXX` at `index`.
    private static func unit(_ bytes: RawText, at index: Int) -> UInt32? {
        guard index + 6 <= bytes.count, bytes[index] == UInt8(ascii: "\\"), bytes[index + 1] == UInt8(ascii: "u")
        else { return nil }
        var unit: UInt32 = 0
        for offset in 2..<6 {
            guard let digit = HexDigit.value(bytes[index + offset]) else { return nil }
            unit = unit << 4 | UInt32(digit)
        }
        return unit
    }
}

/// Hexadecimal digits, of either case.
enum HexDigit {
    static func value(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
        default: nil
        }
    }
}

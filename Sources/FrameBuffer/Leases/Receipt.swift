internal import FrameTracking

/// What says that a frame was handed to its holder, and not to anybody after: `<message_id>.<token>`.
package struct Receipt: Hashable, Sendable, CustomStringConvertible {
    /// The frame's message id.
    package let messageID: StreamID
    /// Made for this one handing out.
    let token: UInt64

    /// A receipt for a frame that is handed out now.
    init(for messageID: StreamID) {
        self.init(messageID: messageID, token: .random(in: .min ... .max))
    }

    init(messageID: StreamID, token: UInt64) {
        self.messageID = messageID
        self.token = token
    }

    /// Reads a receipt as ``description`` writes it; nil for what can't be one.
    package init?(_ text: String) {
        guard let dot = text.utf8.firstIndex(of: UInt8(ascii: ".")), let messageID = StreamID(String(text[..<dot])),
            let token = UInt64(text[text.utf8.index(after: dot)...], radix: 16)
        else { return nil }
        self.init(messageID: messageID, token: token)
        guard description == text else { return nil }
    }

    package var description: String { "\(messageID).\(tokenText)" }

    /// The receipt with its id as the scripts have ids.
    var padded: String { "\(messageID.padded).\(tokenText)" }

    /// Sixteen hexadecimal digits.
    var tokenText: String {
        String(unsafeUninitializedCapacity: 16) { digits in
            Hexadecimal.write(token, to: UnsafeMutableRawBufferPointer(digits), at: 0)
            return 16
        }
    }
}

/// Why what a producer sent is no frame.
package struct FrameError: Error, Equatable, Sendable {
    /// The kinds of fault.
    package enum Code: Sendable, CaseIterable {
        /// Not JSON as RFC 8259 has it.
        case invalidJSON
        /// Text that is not UTF-8.
        case invalidUTF8
        /// Half of a surrogate pair, escaped on its own.
        case loneSurrogate
        /// JSON, but no object.
        case notAnObject
        /// An object or form without any field.
        case empty
        /// A name that stands twice.
        case duplicateField
        /// More fields than the limit.
        case tooManyFields
        /// A name longer than the limit.
        case fieldNameTooLong
        /// Objects and arrays nested deeper than the limit.
        case nestedTooDeep
        /// A name that the service keeps for itself.
        case reservedField
        /// A `frame_id` or `camera_id` that can't be one.
        case invalidIdentifier
        /// `data` that is not the base64 it was announced to be.
        case invalidBase64
        /// A `%` in a form without two hexadecimal digits behind it.
        case invalidPercentEncoding
        /// A raw upload without a byte.
        case emptyPayload
        /// More frames in a batch than the limit.
        case tooManyFrames
        /// Not `multipart/form-data` as RFC 7578 has it, or more than one frame's worth of it.
        case invalidMultipart
    }

    /// Which frame of a batch is meant.
    package enum Place: Equatable, Sendable {
        /// An element of an array, counted from 0.
        case index(Int)
        /// A line, counted from 1.
        case line(Int)
    }

    /// The kind of fault.
    package let code: Code
    /// What is wrong, for a person.
    package let message: String
    /// Where in the body, in bytes from its beginning; nil where the fault is not in the body.
    package let offset: Int?
    /// Which frame of a batch it is about; nil where there is but one.
    package private(set) var place: Place?

    /// An error of `code`, with what is wrong and where.
    package init(_ code: Code, _ message: String, at offset: Int?) {
        self.code = code
        self.message = message
        self.offset = offset
    }

    /// The same error, of one frame of a batch.
    func of(_ place: Place) -> FrameError {
        var error = self
        error.place = place
        return error
    }
}

extension FrameError: CustomStringConvertible {
    /// What is wrong, and where.
    package var description: String {
        guard let offset else { return message }
        return "\(message), at byte \(offset)"
    }
}

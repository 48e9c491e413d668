/// How large the parts of a frame may be, and a batch of them.
package struct FrameLimits: Equatable, Sendable {
    /// Fields of one frame.
    package var fields: Int
    /// Bytes of a field's name in UTF-8.
    package var fieldName: Int
    /// Objects and arrays inside each other, the frame's own object counted.
    package var nesting: Int
    /// Bytes of `frame_id` and of `camera_id` in UTF-8.
    package var identifier: Int
    /// Frames of one request.
    package var batch: Int

    /// The limits of the contract, where no others are given.
    package init(
        fields: Int = 128,
        fieldName: Int = 256,
        nesting: Int = 64,
        identifier: Int = 256,
        batch: Int = 1000
    ) {
        self.fields = fields
        self.fieldName = fieldName
        self.nesting = nesting
        self.identifier = identifier
        self.batch = batch
    }
}

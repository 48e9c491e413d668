/// One part of a form, as ranges of the body it was read from.
struct MultipartPart: Equatable {
    /// The field's name.
    let name: [UInt8]
    /// The name of the file that the part is; nil for a field.
    let fileName: [UInt8]?
    /// The value of its `Content-Type`; nil where it has none.
    let contentType: Range<Int>?
    /// Its bytes.
    let content: Range<Int>
    /// Where its headers begin, for errors.
    let offset: Int
}

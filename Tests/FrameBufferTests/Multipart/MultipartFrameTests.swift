import NIOCore
import Testing

@testable import FrameBuffer

@Suite("A frame that comes as a form of several parts")
struct MultipartFrameTests {
    private struct Part {
        var name = ""
        var fileName: String?
        var type: String?
        var content: [UInt8] = []

        static func field(_ name: String, _ value: String) -> Part { Part(name: name, content: Array(value.utf8)) }

        static func file(_ name: String, _ content: [UInt8], fileName: String = "f", type: String? = "image/jpeg")
            -> Part
        {
            Part(name: name, fileName: fileName, type: type, content: content)
        }
    }

    private func body(_ parts: [Part]) -> ByteBuffer {
        var body = ByteBuffer()
        for part in parts {
            body.writeString("--b\r\nContent-Disposition: form-data; name=\"\(part.name)\"")
            if let fileName = part.fileName { body.writeString("; filename=\"\(fileName)\"") }
            if let type = part.type { body.writeString("\r\nContent-Type: \(type)") }
            body.writeString("\r\n\r\n")
            body.writeBytes(part.content)
            body.writeString("\r\n")
        }
        body.writeString("--b--\r\n")
        return body
    }

    private func fault(_ parts: [Part], limits: FrameLimits = FrameLimits()) -> FrameError? {
        do throws(FrameError) {
            _ = try IncomingFrame.multipart(body(parts), boundary: "b", limits: limits)
            return nil
        } catch {
            return error
        }
    }

    @Test("has its file as the payload, whatever its field is called, byte for byte; the other parts are fields")
    func fields() throws {
        let picture: [UInt8] = [0xFF, 0xD8, 0, 0x0D, 0x0A, 0x2D, 0x2D, 0x62, 0x62, 0xFF]
        for name in ["data", "image", ""] {
            let parts: [Part] = [
                .field("camera_id", "cam01"), .file(name, picture), .field("frame_id", "f1"), .field("note", "a\r\nb"),
                .field("empty", ""),
            ]
            let frame = try IncomingFrame.multipart(body(parts), boundary: "b")
            #expect(frame.frameID == "f1")
            #expect(frame.cameraID == "cam01")
            #expect(frame.size == picture.count)
            let entry = EntryFields(frame)
            #expect(entry.names == ["frame_id", "camera_id", "data", "content_type", "note", "empty"])
            #expect(entry.fields[2].value == picture)
            #expect(entry["content_type"] == "image/jpeg")
            #expect(entry["note"] == "a\r\nb")
            #expect(entry["empty"] == "")
        }
    }

    @Test("may have no file, or an input for one that was left empty; a file's type may be missing")
    func withoutFile() throws {
        let parts: [Part] = [.field("a", "1"), .file("file", [], fileName: "", type: "application/octet-stream")]
        #expect(EntryFields(try .multipart(body(parts), boundary: "b")).names == ["frame_id", "a"])
        let untyped = try IncomingFrame.multipart(body([.file("file", [1], type: nil)]), boundary: "b")
        #expect(EntryFields(untyped).names == ["frame_id", "data"])
    }

    @Test("may bring its payload as base64, if it says so, and trace context in fields")
    func encodings() throws {
        let parts: [Part] = [.field("data", "AAH/"), .field("data_encoding", "base64")]
        let entry = EntryFields(try .multipart(body(parts), boundary: "b"))
        #expect(entry.names == ["frame_id", "data"])
        #expect(entry.fields[1].value == [0, 1, 255])
        let traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
        let frame = try IncomingFrame.multipart(body([.field("traceparent", traceparent)]), boundary: "b")
        let carried = frame.carriedContext { $0.traceparent }
        #expect(carried.context == traceparent)
    }

    @Test("is refused where it can be none")
    func refused() throws {
        let limits = FrameLimits(fields: 3, fieldName: 16)
        let cases: [([Part], FrameError.Code)] = [
            ([], .empty), ([.file("f", [], fileName: "")], .empty),
            ([.file("f", [], fileName: "x.jpg")], .emptyPayload),
            ([.file("f", [1]), .file("g", [2])], .invalidMultipart),
            ([.file("f", [1]), .field("data", "x")], .duplicateField),
            ([.field("a", "1"), .field("a", "2")], .duplicateField),
            ([.file("f", [1]), .field("content_type", "x")], .duplicateField),
            ([.field("a", ""), .field("b", ""), .field("c", ""), .field("d", "")], .tooManyFields),
            ([Part](repeating: .file("f", [], fileName: ""), count: 4), .tooManyFields),
            ([.field("12345678901234567", "")], .fieldNameTooLong), ([.field("_json", "a")], .reservedField),
            ([.field("frame_id", "a\nb")], .invalidIdentifier),
            ([.field("data", "?"), .field("data_encoding", "base64")], .invalidBase64),
        ]
        for (parts, code) in cases {
            let error = fault(parts, limits: limits)
            #expect(error?.code == code, "\(parts): \(String(describing: error))")
        }
    }

    @Test("keeps one copy of its payload: the body")
    func copies() throws {
        let picture = [UInt8](repeating: 7, count: 1 << 20)
        let body = body([.file("f", picture)])
        let frame = try IncomingFrame.multipart(body, boundary: "b")
        let address = body.withUnsafeReadableBytes { UInt(bitPattern: $0.baseAddress) }
        frame.forEachField(frameID: "f", context: nil) { name, value in
            guard value.count == picture.count else { return }
            #expect((address..<address + UInt(body.readableBytes)).contains(UInt(bitPattern: value.baseAddress)))
        }
        #expect(frame.size == picture.count)
    }
}

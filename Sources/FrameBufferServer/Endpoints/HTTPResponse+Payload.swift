internal import FrameBuffer
internal import HTTPServer
internal import NIOCore
internal import NIOHTTP1

extension HTTPResponse {
    /// A frame's payload, byte for byte, with the rest of it in headers; no cache keeps it.
    init(payload: UnsafeRawBufferPointer, of stored: StoredFrame, id: StreamID, context: OutgoingContext?) {
        self.init(
            status: .ok,
            headers: [
                "Content-Type": stored.contentType ?? "application/octet-stream",
                "Cache-Control": "no-store",
                "X-Frame-Id": HeaderText.encoded(stored.frameID ?? ""),
                "X-Message-Id": id.description,
            ],
            body: ByteBuffer(bytes: payload)
        )
        if let cameraID = stored.cameraID {
            headers.add("X-Frame-Camera-Id", HeaderText.encoded(cameraID))
        }
        if let traceID = context?.traceID { headers.add("X-Trace-Id", traceID) }
    }
}

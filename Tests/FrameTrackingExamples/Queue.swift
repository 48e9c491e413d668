import FrameBufferClient
import FrameTracking

/// A producer and a worker at the two ends of a Redis stream.
struct FrameQueue: Sendable {
    /// `XADD frames:queue * field value …`, of whatever Redis client the program has.
    let xadd: @Sendable (_ fields: [String: String]) async throws -> Void

    // shown
    func enqueue(_ frame: [String: String]) async throws {
        let cameraID = frame["camera_id"] ?? "unknown"
        let frameID = frame["frame_id"] ?? FrameID.generate(cameraID: cameraID, source: "rtsp-capture")
        try await TraceContext.inject(frameID, operation: "enqueue frame", ofKind: .producer) { context in
            context.addEvent("frame_enqueued")
            context.setAttribute("queue.name", "frame_buffer")

            var message = frame
            message["frame_id"] = frameID
            context.inject(toCarrier: &message)
            try await xadd(message)
        }
    }
    // end

    // shown
    func handle(
        _ message: [String: String],
        process: (FrameMetadata?, TraceContext) async throws -> Void
    ) async throws {
        try await TraceContext.extract(fromCarrier: message, operation: "process frame") { context in
            context.addEvent("frame_dequeued")
            try await process(FrameMetadata(fields: message), context)
        }
    }
    // end
}

/// Takes the next frame from a Frame Buffer.
func work(
    _ buffer: FrameBufferClient,
    _ detect: (DequeuedFrame) async throws -> Int
) async throws {
    // shown
    guard let leased = try await buffer.dequeue(wait: .seconds(30), lease: .seconds(60)) else { return }
    let metadata = FrameMetadata(
        frameID: leased.frame.frameID ?? "unknown",
        cameraID: leased.frame.cameraID,
        spanContext: leased.frame.traceparent.flatMap { SpanContext(traceparent: $0) }
    )
    try await TraceContext.extract(fromMetadata: metadata, operation: "detect objects") { context in
        context.setAttribute("objects.count", try await detect(leased.frame))
        try await buffer.ack([leased.receipt])
    }
    // end
}

import FrameTracking

// shown
protocol FrameProcessor: Sendable {
    associatedtype Output
    var name: String { get }
    func process(_ frame: [UInt8], _ metadata: FrameMetadata) async throws -> Output
}

extension FrameProcessor {
    func processWithTracking(_ frame: [UInt8], _ metadata: FrameMetadata) async throws -> Output {
        try await TraceContext.extract(fromMetadata: metadata, operation: name) { _ in
            try await process(frame, metadata)
        }
    }
}
// end

/// Finds what is to be seen on a frame.
actor ObjectDetector {
    /// How many frames it has been given.
    private(set) var frames = 0

    private func detect(_ frame: [UInt8]) throws -> [String] {
        frames += 1
        guard !frame.isEmpty else { throw EmptyFrame() }
        return ["cat"]
    }
}

/// There is nothing to be seen on it.
struct EmptyFrame: Error {}

// shown
extension ObjectDetector: FrameProcessor {
    nonisolated var name: String { "object-detector" }

    func process(_ frame: [UInt8], _ metadata: FrameMetadata) async throws -> [String] {
        try detect(frame)
    }
}

func detectObjects(
    on frame: [UInt8],
    _ metadata: FrameMetadata,
    _ detector: ObjectDetector
) async throws -> [String] {
    try await detector.processWithTracking(frame, metadata)
}
// end

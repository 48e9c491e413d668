import FrameTracking

// shown
/// What is sent with a picture, as JSON.
struct PictureMessage: Codable, Sendable {
    var pictureURL: String
    var metadata: FrameMetadata
}
// end

/// Tells others, in a message about a frame, which step wrote it.
func announce(
    _ frameID: String,
    at pictureURL: String,
    publish: (PictureMessage) async throws -> Void
) async throws {
    // shown
    try await TraceContext.inject(frameID, operation: "announce frame", ofKind: .producer) { context in
        var metadata = FrameMetadata(frameID: frameID, contentType: "image/jpeg")
        context.inject(toMetadata: &metadata)
        try await publish(PictureMessage(pictureURL: pictureURL, metadata: metadata))
    }
    // end
}

/// Goes on with a frame that such a message is about.
func fetch(
    _ message: PictureMessage,
    download: (String) async throws -> [UInt8]
) async throws {
    // shown
    try await TraceContext.extract(fromMetadata: message.metadata, operation: "fetch frame") { context in
        let picture = try await download(message.pictureURL)
        context.setAttribute("frame.size", picture.count)
    }
    // end
}

/// Puts the context into metadata of the program's own.
func describe(_ frameID: String, in metadata: inout [String: any Sendable]) {
    // shown
    TraceContext.inject(frameID) { context in
        metadata["trace_context"] = context.toDictionary()
    }
    // end
}

/// Takes the context from such metadata.
func read(_ metadata: [String: any Sendable]) -> String? {
    // shown
    let dictionary = metadata["trace_context"] as? [String: String] ?? [:]
    return TraceContext.extract(fromDictionary: dictionary) { context in
        context.addEvent("metadata_read")
        return context.traceID
    }
    // end
}

internal import FrameBuffer
internal import HTTPServer
internal import NIOCore
internal import NIOHTTP1

/// `GET /stream`: reads along, each frame an event as it comes (server-sent events, WHATWG HTML, section 9.2).
struct StreamEndpoint: Sendable {
    let queues: Queues

    /// How long nothing may come before a comment shows that the connection is alive.
    private static let heartbeat = Duration.seconds(15)
    private static let framesATime = 100

    func register(in router: inout Router<Endpoint>) {
        router.add(.GET, "/stream", tracing: .never, handle: stream)
    }

    @Sendable private func stream(_ request: HTTPRequest, caller: Caller) async throws -> Endpoint.Answer {
        let queue = try queues.queue(of: request)
        var after: StreamID?
        try request.forEachParameter(of: ["queue", "after"]) { name, value throws(HTTPProblem) in
            if name == "after", value != "$" { after = try StreamID(parameter: name, value) }
        }
        // What a browser says when it comes again is later than what its page once asked for.
        if let last = request.headers.first("last-event-id"), !last.isEmpty {
            after = try StreamID(parameter: "Last-Event-ID", last)
        }
        var start = after
        if start == nil { start = try await queue.lastID() }
        let first = start ?? .first
        return Endpoint.Answer(
            response: HTTPResponse(
                status: .ok,
                headers: ["Content-Type": "text/event-stream", "Cache-Control": "no-store"],
                stream: { await write(queue, after: first, to: $0) }
            )
        )
    }

    /// Until the reader leaves, the service stops, or Redis fails: the reader then comes again with its `Last-Event-ID`.
    private func write(_ queue: FrameBuffer, after first: StreamID, to writer: HTTPBodyWriter) async {
        var after = first
        do {
            // The head leaves at once, and the reader knows that it is heard.
            try await writer.write(ByteBuffer(string: ":\n\n"))
            while !Task.isCancelled, await !queue.isStopping {
                let look = try await queue.tail(after: after, count: Self.framesATime, wait: Self.heartbeat)
                after = look.last
                for entry in look.frames { try await writer.write(Self.event(entry)) }
                if look.frames.isEmpty { try await writer.write(ByteBuffer(string: ":\n\n")) }
            }
        } catch {}
    }

    private static func event(_ entry: FrameEntry) -> ByteBuffer {
        var json = JSONWriter()
        entry.withStored { stored in json.object { $0.members(of: entry, stored, hasData: true) } }
        var event = ByteBuffer(string: "id: \(entry.id)\nevent: frame\n")
        // A producer's own JSON comes as it was written, with the line ends in it.
        var text = json.finish()
        while let line = text.readLine() {
            event.writeStaticString("data: ")
            event.writeImmutableBuffer(line)
            event.writeStaticString("\n")
        }
        event.writeStaticString("\n")
        return event
    }
}

extension ByteBuffer {
    /// What stands before the next line end, which is CR, LF or both; nil once all is read.
    fileprivate mutating func readLine() -> ByteBuffer? {
        guard readableBytes > 0 else { return nil }
        let (cr, lf) = (UInt8(ascii: "\r"), UInt8(ascii: "\n"))
        guard let end = readableBytesView.firstIndex(where: { $0 == cr || $0 == lf }) else {
            return readSlice(length: readableBytes)
        }
        let line = readSlice(length: end - readerIndex)
        if readInteger(as: UInt8.self) == cr, readableBytesView.first == lf { moveReaderIndex(forwardBy: 1) }
        return line
    }
}

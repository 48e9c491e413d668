import NIOCore

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Writes spans to standard output, one JSON object a line, for whoever debugs (OpenTelemetry, "Span Exporter - Standard
/// output"). The form is that of OTLP's JSON today, and nobody's promise.
package struct ConsoleExporter: SpanExporter {
    private let descriptor: Int32
    private let timeout: Duration

    /// A pipe with room for a write takes so much of it without blocking (POSIX, `PIPE_BUF`).
    private static let pieceLength = 4096
    private static let pauseWhileFull = Duration.milliseconds(10)

    /// - Parameter descriptor: what is written to.
    init(settings: TracingSettings, descriptor: Int32 = STDOUT_FILENO) {
        self.descriptor = descriptor
        self.timeout = settings.batching.exportTimeout
    }

    package func export(_ batch: SpanBatch) async -> ExportResult {
        let elapsed = ContinuousClock().stopwatch()
        var lines = ByteBuffer()
        for case (UInt64(SpanBatch.field), .bytes(let span)) in ProtobufReader(batch.bytes) {
            lines.writeImmutableBuffer(OTLPJSON.encode(span, as: .span))
            lines.writeStaticString("\n")
        }
        while lines.readableBytes > 0 {
            // Never blocking, so that a reader who has stopped reading holds up neither a thread nor the stop.
            switch writePiece(&lines) {
            case .written: break
            case .full:
                guard elapsed() < timeout else { return .failed(.unreachable, "nobody reads standard output") }
                guard (try? await Task.sleep(for: ConsoleExporter.pauseWhileFull)) != nil else {
                    return .failed(.stopped, "stopped")
                }
            case .failed(let code): return .failed(.refused, "standard output can't be written to: errno \(code)")
            }
        }
        return .exported(rejected: 0, message: "")
    }

    private enum Outcome {
        case written
        case full
        case failed(Int32)
    }

    private func writePiece(_ lines: inout ByteBuffer) -> Outcome {
        var state = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
        guard poll(&state, 1, 0) == 1 else { return .full }
        let written = lines.withUnsafeReadableBytes { bytes in
            write(descriptor, bytes.baseAddress, min(bytes.count, ConsoleExporter.pieceLength))
        }
        guard written >= 0 else { return [EAGAIN, EINTR].contains(errno) ? .full : .failed(errno) }
        lines.moveReaderIndex(forwardBy: written)
        return .written
    }
}

internal import FrameTracking
internal import NIOCore
internal import RedisClient

extension FrameBuffer {
    /// Writes frames in one step, all or none, each with the context of its own span. It returns once Redis has them.
    ///
    /// What is known already, by `deduplication`, is not written: in its place stand the frames that the first request
    /// was told of, as many as there were. Cancelling does nothing. Throws as ``enqueue(_:for:)``; full also where some
    /// of the frames would have had room.
    package func enqueue(
        _ frames: [IncomingFrame],
        by deduplication: Deduplication? = nil,
        for caller: Caller
    ) async throws(FrameBufferError) -> [EnqueuedFrame] {
        let batch = frames.map { frame in
            let frameID = frame.frameID ?? FrameID.generate(cameraID: frame.cameraID ?? "unknown", source: "http")
            let (span, context) = spans.startEnqueue(frame, caller: caller)
            return (span: span, entry: StreamEntry(frame: frame, frameID: frameID, context: context))
        }
        let outcome = await write(batch.map(\.entry), by: deduplication)
        for (index, (span, entry)) in batch.enumerated() {
            // A key may have stood for fewer frames when it first came.
            let written = outcome.map { $0[min(index, $0.count - 1)] }
            spans.endEnqueue(
                span,
                frame: entry.frame,
                frameID: (try? written.get())?.frameID ?? entry.frameID,
                outcome: written.map { Place(id: $0.messageID, depth: $0.queueSize) },
                isDuplicate: (try? written.get())?.isDuplicate ?? false
            )
            if case .success(let written) = written, !written.isDuplicate {
                activity.enqueued += 1
                noteLast(of: entry.frame, written.frameID, written.messageID)
            }
        }
        return try outcome.get()
    }

    private func write(
        _ entries: [StreamEntry],
        by deduplication: Deduplication?
    ) async -> Result<[EnqueuedFrame], FrameBufferError> {
        let bytes = entries.reduce(0) { $0 + $1.memory }
        do throws(FrameBufferError) {
            try await measureBytes(for: bytes)
            // Full: answered without sending the payloads. A key's first reply is told from a full queue too.
            let last = capacity(with: entries.count, of: bytes) - entries.count
            if configuration.overflow == .reject, deduplication == nil, depth.wasFull(last + 1),
                try await currentSize() > last
            {
                throw full(for: entries.count)
            }
        } catch {
            return .failure(error)
        }
        let call = call(for: entries, of: bytes, by: deduplication)
        do throws(RedisError) {
            let answer = try await withGroup { () throws(RedisError) in
                try await send(call, count: entries.count, bytes: bytes).get().value
            }
            let frames = try enqueued(entries, answer: answer)
            return frames.map { .success($0) } ?? .failure(full(for: entries.count))
        } catch {
            return .failure(self.error(error))
        }
    }

    private func send(_ call: ScriptCall, count: Int, bytes: Int) async -> Result<RedisReply, RedisError> {
        await withUnsafeContinuation { (waiter: UnsafeContinuation<Result<RedisReply, RedisError>, Never>) in
            depth.sent(count)
            byteCapacity?.sent(bytes, count: count)
            redis.assumeIsolated { redis in
                redis.send(call) { result in
                    // In the order of Redis' answers, as all that tells of the depth.
                    self.assumeIsolated { $0.sawBatch(result, count: count) }
                    waiter.resume(returning: result)
                }
            }
        }
    }

    private func full(for count: Int) -> FrameBufferError {
        FrameBufferError(
            .full,
            "the queue \(keys.stream) has no room for \(count) more: it holds at most \(bounds)"
        )
    }

    // MARK: What is asked

    private func call(
        for entries: [StreamEntry],
        of bytes: Int,
        by deduplication: Deduplication?
    ) -> ScriptCall {
        let marks =
            switch deduplication {
            case nil: [String]()
            case .key(let key): [keys.mark(of: .request(key))]
            case .frameID: entries.map { keys.mark(of: .frameID($0.frameID)) }
            }
        let share = marks.count > 1 ? 1 : entries.count
        let number = RESPEncoder.bulkSize(RESPEncoder.longestNumber)
        let size = entries.reduce(3 * number) { size, entry in
            size + entry.size + number + RESPEncoder.bulkSize(entry.context?.traceparent?.utf8.count ?? 1)
        }
        let words = wordsToDrop
        let capacity = capacity(with: entries.count, of: bytes)
        return ScriptCall(
            configuration.overflow == .reject ? QueueScripts.enqueueAll : QueueScripts.enqueueAllDropping,
            keys: (configuration.overflow == .reject ? [keys.stream, keys.kept] : keys.all) + marks,
            count: entries.reduce(words.count + 3) { $0 + 2 + $1.wordCount },
            size: words.reduce(size) { $0 + RESPEncoder.bulkSize($1.utf8.count) }
        ) { encoder in
            for word in words { encoder.bulk(word) }
            encoder.bulk(capacity)
            encoder.bulk(share)
            encoder.bulk(Int(configuration.deduplicationWindow.milliseconds))
            for entry in entries {
                encoder.bulk(entry.context?.traceparent ?? "-")
                encoder.bulk(entry.wordCount)
                entry.encode(into: &encoder)
            }
        }
    }

    // MARK: What is answered

    private func sawBatch(_ result: Result<RedisReply, RedisError>, count: Int) {
        depth.arrived(count)
        if case .success(let reply) = result, let size = reply.value[0]?.integer { depth.saw(size, now: .now()) }
    }

    /// The frames that were written, or had been; nil where the queue was full.
    private func enqueued(_ entries: [StreamEntry], answer: RedisValue) throws(RedisError) -> [EnqueuedFrame]? {
        guard let size = answer[0]?.integer else { throw Self.unexpected }
        dropped(answer[1])
        guard answer.count > 2 else { return nil }
        var frames: [EnqueuedFrame] = []
        var next = entries.makeIterator()
        for index in 2..<answer.count {
            guard let group = answer[index] else { throw Self.unexpected }
            if let mark = group.string {
                let marked = EnqueuedFrame.marked(mark, queueSize: size)
                guard !marked.isEmpty else { throw Self.unexpected }
                frames += marked
                if answer.count > 3 { _ = next.next() }
                continue
            }
            for index in 0..<group.count {
                guard let entry = next.next(), let id = group[index]?.withBytes({ StreamID($0) }).flatMap(\.self) else {
                    throw Self.unexpected
                }
                frames.append(
                    EnqueuedFrame(frameID: entry.frameID, messageID: id, queueSize: size, context: entry.context)
                )
            }
        }
        return frames
    }

    private static var unexpected: RedisError {
        RedisError(.protocolViolation, "enqueue all: a size and ids were expected")
    }
}

extension EnqueuedFrame {
    /// The frames that a mark tells of: a line `<id> <traceparent> <frame_id>` for each. Empty where it is no such text.
    fileprivate static func marked(_ mark: String, queueSize: Int) -> [EnqueuedFrame] {
        // Not at characters: a line end may be one with what follows it.
        let lines = mark.utf8.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        let frames = lines.compactMap { line -> EnqueuedFrame? in
            let words = line.split(separator: UInt8(ascii: " "), maxSplits: 2, omittingEmptySubsequences: false)
            guard words.count == 3, let id = StreamID(String(Substring(words[0]))) else { return nil }
            let traceparent = String(Substring(words[1]))
            return EnqueuedFrame(
                frameID: String(Substring(words[2])),
                messageID: id,
                queueSize: queueSize,
                context: traceparent == "-" ? nil : OutgoingContext(traceparent: traceparent),
                isDuplicate: true
            )
        }
        return frames.count == lines.count ? frames : []
    }
}

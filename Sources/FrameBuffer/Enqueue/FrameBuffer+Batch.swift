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
        let bytes = byteCapacity == nil ? 0 : entries.reduce(0) { $0 + $1.memory }
        do throws(FrameBufferError) {
            try await measureBytes(for: bytes)
            // Full: answered without sending the payloads. A key's first reply is told from a full queue too.
            let last = configuration.capacity - entries.count
            if configuration.overflow == .reject, deduplication == nil, depth.wasFull(last + 1),
                try await currentSize() > last
            {
                throw full(for: entries.count)
            }
        } catch {
            return .failure(error)
        }
        do throws(RedisError) {
            let answer = try await withGroup { () throws(RedisError) in
                try await send(entries, of: bytes, by: deduplication).get()
            }
            let frames = try answer.flatMap { reply throws(RedisError) in
                try enqueued(entries, answer: reply.value)
            }
            return frames.map { .success($0) } ?? .failure(full(for: entries.count))
        } catch {
            return .failure(self.error(error))
        }
    }

    /// What Redis answered; nil where it need not be asked, as there is no room.
    private func send(
        _ entries: [StreamEntry],
        of bytes: Int,
        by deduplication: Deduplication?
    ) async -> Result<RedisReply?, RedisError> {
        await withUnsafeContinuation { (waiter: UnsafeContinuation<Result<RedisReply?, RedisError>, Never>) in
            // Here and not before, as for a single frame.
            let room = byteCapacity?.excess(of: bytes) ?? 0
            if deduplication == nil, isRefused(room) { return waiter.resume(returning: .success(nil)) }
            let call = call(for: entries, making: room, by: deduplication)
            depth.sent(entries.count)
            byteCapacity?.sent(bytes, making: room)
            redis.assumeIsolated { redis in
                redis.send(call) { result in
                    // In the order of Redis' answers, as all that tells of the depth.
                    self.assumeIsolated { $0.sawBatch(entries, of: bytes, making: room, result) }
                    waiter.resume(returning: result.map(Optional.some))
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
        making room: Int,
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
        let size = entries.reduce(4 * number) { size, entry in
            size + entry.size + number + RESPEncoder.bulkSize(entry.context?.traceparent?.utf8.count ?? 1)
        }
        let words = wordsToDrop
        let capacity = configuration.capacity
        return ScriptCall(
            configuration.overflow == .reject ? QueueScripts.enqueueAll : QueueScripts.enqueueAllDropping,
            keys: (configuration.overflow == .reject ? [keys.stream, keys.kept] : keys.all) + marks,
            count: entries.reduce(words.count + 4) { $0 + 2 + $1.wordCount },
            size: size + RESPEncoder.bulkSize(of: words)
        ) { encoder in
            for word in words { encoder.bulk(word) }
            encoder.bulk(capacity)
            encoder.bulk(room)
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

    private func sawBatch(
        _ entries: [StreamEntry],
        of bytes: Int,
        making room: Int,
        _ result: Result<RedisReply, RedisError>
    ) {
        depth.arrived(entries.count)
        let answer = try? result.get().value
        if let size = answer?[0]?.integer { depth.saw(size, now: .now()) }
        guard byteCapacity != nil else { return }
        let written = answer.map { Self.bytes(of: entries, writtenAs: $0) } ?? 0
        let freed = answer?[2]?.integer ?? 0
        byteCapacity?.correct((written - freed) - (bytes - room))
    }

    /// How many bytes were written, and not only found.
    private static func bytes(of entries: [StreamEntry], writtenAs answer: RedisValue) -> Int {
        let groups = max(0, answer.count - 3)
        return (0..<groups).reduce(0) { sum, group in
            guard let ids = answer[3 + group], ids.string == nil else { return sum }
            let share = entries.count / groups
            return entries.dropFirst(group * share).prefix(share).reduce(sum) { $0 + $1.memory }
        }
    }

    /// The frames that were written, or had been; nil where the queue was full.
    private func enqueued(_ entries: [StreamEntry], answer: RedisValue) throws(RedisError) -> [EnqueuedFrame]? {
        guard let size = answer[0]?.integer else { throw Self.unexpected }
        dropped(answer[1])
        guard answer.count > 3 else { return nil }
        var frames: [EnqueuedFrame] = []
        var next = entries.makeIterator()
        for index in 3..<answer.count {
            guard let group = answer[index] else { throw Self.unexpected }
            if let mark = group.string {
                let marked = EnqueuedFrame.marked(mark, queueSize: size)
                guard !marked.isEmpty else { throw Self.unexpected }
                frames += marked
                if answer.count > 4 { _ = next.next() }
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

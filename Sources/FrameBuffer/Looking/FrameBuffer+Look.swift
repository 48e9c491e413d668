internal import RedisClient

extension FrameBuffer {
    /// The most entries that one look goes through, whether they are shown or not.
    private static let entriesALook = 1000

    /// Looks at frames that are not settled yet, and at settled ones that stay for readers, oldest first, and takes none: up to `count`, no more than fit into 64 MiB.
    ///
    /// - Parameters:
    ///   - after: the entry behind which it begins.
    ///   - cameraID: shows only frames of this camera. A look ends after a thousand entries, found or not.
    package func look(after: StreamID, count: Int, cameraID: String? = nil) async throws(FrameBufferError) -> Look {
        var look = Look(last: after)
        var seen = 0
        var bytes = 0
        do throws(RedisError) {
            while !look.isAtEnd, look.frames.count < count, seen < Self.entriesALook,
                bytes < configuration.bytesAReply
            {
                // A few first: how large they are says how many more one reply may hold.
                let fitting = seen == 0 ? 4 : max(1, configuration.bytesARead / max(1, bytes / seen))
                let wanted = cameraID == nil ? count - look.frames.count : Self.entriesALook - seen
                let portion = min(fitting, wanted)
                let entries = try await entries(after: look.last, portion)
                for (entry, isSettled) in entries where look.frames.count < count {
                    look.last = entry.id
                    seen += 1
                    bytes += entry.size
                    if isSettled { continue }
                    if let cameraID, entry.withStored(\.cameraID) != cameraID { continue }
                    look.frames.append(entry)
                }
                let sawAll = entries.isEmpty || look.last == entries.last?.entry.id
                look.isAtEnd = sawAll && entries.count < portion
            }
        } catch {
            throw self.error(error)
        }
        return look
    }

    /// One frame that is not settled yet, or stays for readers; nil where there is none of that id.
    package func frame(_ id: StreamID) async throws(FrameBufferError) -> FrameEntry? {
        do throws(RedisError) {
            let text = id.description
            let entries = try await entries(["XRANGE", keys.stream, text, text])
            return entries.first { !$0.isSettled }?.entry
        } catch {
            throw self.error(error)
        }
    }

    /// The id of the last entry; that before all others where there is none.
    package func lastID() async throws(FrameBufferError) -> StreamID {
        do throws(RedisError) {
            let last = try await redis.command(["XREVRANGE", keys.stream, "+", "-", "COUNT", "1"]).value[0]
            return last.flatMap(FrameEntry.init)?.id ?? .first
        } catch {
            throw self.error(error)
        }
    }

    private func entries(
        after id: StreamID,
        _ count: Int
    ) async throws(RedisError) -> [(entry: FrameEntry, isSettled: Bool)] {
        try await entries(["XRANGE", keys.stream, "(\(id)", "+", "COUNT", String(count)])
    }

    /// Entries, and whether they are settled, and only kept for other groups. What is kept for readers, they are to see.
    private func entries(_ range: [String]) async throws(RedisError) -> [(entry: FrameEntry, isSettled: Bool)] {
        let reply = try await redis.command(range).value
        let entries = (0..<reply.count).compactMap { reply[$0].flatMap(FrameEntry.init) }
        guard !entries.isEmpty, configuration.retention == .workqueue,
            try await redis.command(["EXISTS", keys.kept]).value.integer == 1
        else {
            return entries.map { ($0, false) }
        }
        let scores = try await redis.commands(entries.map { ["ZSCORE", keys.kept, $0.id.padded] })
        return zip(entries, scores).map { ($0, !$1.value.isNull) }
    }

    // MARK: Deleting

    /// Deletes a frame, wherever it is; false where there is none of that id. What holds it finds it gone.
    package func delete(_ id: StreamID, for caller: Caller = .nobody) async throws(FrameBufferError) -> Bool {
        let call = call(QueueScripts.delete, [id.padded, process.consumer(loop: loop, life: life)])
        do throws(RedisError) {
            while true {
                let answer = try await withGroup { () throws(RedisError) in try await redis.call(call).value }
                // Those before it may have been read on the way to it, and returned.
                mayBeReady = true
                guard let found = answer[0]?.integer else {
                    throw RedisError(.protocolViolation, "delete: whether it was there was expected")
                }
                if let frame = answer[1].flatMap(EndedFrame.init) { spans.deleted(frame, caller: caller) }
                if found >= 0 { return found == 1 }
            }
        } catch {
            throw self.error(error)
        }
    }

    /// Deletes all frames there are at this moment, waiting and in hand; returns how many.
    package func purge(for caller: Caller = .nobody) async throws(FrameBufferError) -> Int {
        let span = spans.startPurge(caller: caller)
        do throws(FrameBufferError) {
            let purged = try await purgeAll()
            spans.endPurge(span, .success(purged))
            return purged
        } catch {
            spans.endPurge(span, .failure(error))
            throw error
        }
    }

    private func purgeAll() async throws(FrameBufferError) -> Int {
        let last = try await lastID()
        let script = configuration.retention == .stream ? QueueScripts.discard : QueueScripts.purge
        let consumer = process.consumer(loop: loop, life: life)
        var purged = 0
        var isMore = last != .first
        do throws(RedisError) {
            // In portions, so that others get their turn.
            while isMore {
                let call = call(script, [last.padded, consumer, "100", last.next.padded])
                let answer = try await withGroup { () throws(RedisError) in try await redis.call(call).value }
                mayBeReady = true
                purged += answer[0]?.integer ?? 0
                isMore = answer[1]?.integer == 1
            }
        } catch {
            throw self.error(error)
        }
        return purged
    }
}

internal import FrameTracking
internal import Logging
internal import RedisClient

extension FrameBuffer {
    /// The most dead letters of one request.
    package static let mostDeadLetters = 1000

    /// How many dead letters one script call is about: each is as large as its frame, and Redis does nothing else meanwhile.
    private static let lettersACall = 20

    // MARK: Dying

    /// Frames that a script has given up on: each ends its trace with a span that says so.
    func died(_ frames: RedisValue?) {
        guard let frames, frames.count > 0 else { return }
        let dead = (0..<frames.count).compactMap { frames[$0].flatMap(DeadFrame.init) }
        activity.dead += dead.count
        let contexts = dead.map { spans.died($0) }
        // One line for all of them, with the first for an example.
        logger.warning(
            "frames went to the dead letters",
            metadata: [
                "queue": "\(keys.stream)", "frames": "\(dead.count)",
                "message_id": "\(dead.first?.frame.messageID ?? "")",
                "frame_id": "\(dead.first?.frame.frameID ?? "")",
                "reason": "\(dead.first?.reason ?? "")",
            ].merging(contexts.first??.logMetadata ?? [:]) { $1 }
        )
    }

    // MARK: Looking

    /// The dead letters that came after one of them, or from the first on; up to `count`.
    package func deadLetters(after: StreamID?, count: Int) async throws(FrameBufferError) -> [DeadLetter] {
        do throws(RedisError) {
            var letters: [DeadLetter] = []
            var start = after.map { "(\($0)" } ?? "-"
            while letters.count < count {
                let portion = min(Self.lettersACall, count - letters.count)
                let call = ScriptCall(DeadLetterScripts.list, keys: [keys.dead], [start, String(portion)])
                let found = try await redis.call(call).value
                letters += (0..<found.count).compactMap { found[$0].flatMap(DeadLetter.init) }
                guard found.count == portion, let last = letters.last else { break }
                start = "(\(last.id)"
            }
            return letters
        } catch {
            throw self.error(error)
        }
    }

    // MARK: Redriving and deleting

    /// Puts dead letters back into the queue, at its tail and as if they were new; returns how many. Without `ids` those
    /// that are there now.
    ///
    /// Ids that are no dead letter's, and letters that had to leave their fields behind, are passed over. Throws
    /// ``FrameBufferError/Code/full`` where there is no room for even one; where there is room for some, those are redriven.
    package func redrive(_ ids: [StreamID]?, for caller: Caller = .nobody) async throws(FrameBufferError) -> Int {
        if byteCapacity != nil { _ = try await currentSize(urgently: true) }
        let outcome: (redriven: Int, isFull: Bool)
        do throws(RedisError) {
            outcome = if let ids { try await redriveSome(ids, caller) } else { try await redriveAll(caller) }
        } catch {
            throw self.error(error)
        }
        guard outcome.redriven > 0 || !outcome.isFull else { throw full }
        return outcome.redriven
    }

    /// How many frames there may be, and how many bytes more (empty: any number).
    private var room: [String] {
        [String(configuration.capacity), byteCapacity.map { String($0.most - $0.used) } ?? ""]
    }

    private func redriveSome(_ ids: [StreamID], _ caller: Caller) async throws(RedisError) -> (Int, Bool) {
        var redriven = 0
        for start in stride(from: 0, to: ids.count, by: Self.lettersACall) {
            let portion = ids[start..<min(start + Self.lettersACall, ids.count)]
            let call = ScriptCall(
                DeadLetterScripts.redrive,
                keys: [keys.stream, keys.kept, keys.dead],
                room + portion.map(\.description)
            )
            let answer = try await redis.call(call).value
            redriven += self.redriven(answer, caller)
            if answer[1]?.integer == 1 { return (redriven, true) }
        }
        return (redriven, false)
    }

    private func redriveAll(_ caller: Caller) async throws(RedisError) -> (Int, Bool) {
        var redriven = 0
        var (start, end) = ("-", "")
        while true {
            let call = ScriptCall(
                DeadLetterScripts.redriveAll,
                keys: [keys.stream, keys.kept, keys.dead],
                room + [start, end, String(Self.lettersACall)]
            )
            let answer = try await redis.call(call).value
            redriven += self.redriven(answer, caller)
            if answer[1]?.integer == 1 { return (redriven, true) }
            guard let last = answer[3]?.text else { return (redriven, false) }
            start = "(\(last)"
            end = answer[4]?.string ?? ""
        }
    }

    /// Frames that are back in the queue: their traces go on with a span that says so. Returns how many they are.
    private func redriven(_ answer: RedisValue, _ caller: Caller) -> Int {
        byteCapacity?.correct(answer[2]?.integer ?? 0)
        guard let frames = answer[0] else { return 0 }
        for frame in (0..<frames.count).compactMap({ frames[$0].flatMap(EndedFrame.init) }) {
            spans.redriven(frame, caller: caller)
        }
        return frames.count
    }

    /// Deletes dead letters, without `ids` all of them; returns how many there were.
    package func deleteDeadLetters(_ ids: [StreamID]?) async throws(FrameBufferError) -> Int {
        let call =
            if let ids {
                ScriptCall(DeadLetterScripts.delete, keys: [keys.dead], ids.map(\.description))
            } else {
                ScriptCall(DeadLetterScripts.deleteAll, keys: [keys.dead])
            }
        do throws(RedisError) {
            return try await redis.call(call).value.integer ?? 0
        } catch {
            throw self.error(error)
        }
    }
}

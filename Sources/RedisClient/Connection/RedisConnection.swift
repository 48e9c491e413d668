internal import EventLoopExecution
internal import Logging
package import NIOCore
internal import NIOPosix

/// One connection to Redis, from its handshake to its end: commands go out pipelined, replies come back in order.
///
/// It lives on its event loop: whoever is on that loop too sends without a lock or a hop. What is sent in one turn of the
/// loop leaves in one write. A connection that owes a reply and hears no byte for ``RedisLimits/silence`` is closed; all
/// that was owing is then ``RedisError/Code/lostReply``.
package actor RedisConnection {
    /// Called once, on the loop, with the reply or with why there is none. An error reply of Redis is a failure.
    package typealias Completion = @Sendable (Result<RedisReply, RedisError>) -> Void

    fileprivate struct Waiter {
        let name: String
        /// What is sent again, with the script's text, where Redis has forgotten the script.
        let call: ScriptCall?
        let completion: Completion
    }

    /// The loop that it lives on.
    package nonisolated let eventLoop: any EventLoop
    package nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

    private nonisolated let executor: EventLoopExecutor
    private let channel: any Channel
    private let limits: RedisLimits
    private var reader: ReplyReader
    private let closing: EventLoopPromise<RedisError>
    private var pipeline = CommandPipeline<Waiter>()
    private var outbound = ByteBuffer()
    private var isFlushScheduled = false
    private var isSilenceWatched = false
    /// When Redis last sent bytes or took some that had to wait for that, or something was asked while nothing was owing.
    private var lastProgress = NIODeadline.now()
    /// When Redis last sent bytes, those of the handshake aside; nil: never.
    package private(set) var lastReceived: NIODeadline?
    private var unwritten = 0
    private var isWriting = false
    private var digests: [RedisScript: String] = [:]
    private var end: RedisError?
    /// Set when the server said that it is a replica now: what is owing is still read, nothing more is sent.
    private var isRetired = false

    init(channel: any Channel, executor: EventLoopExecutor, limits: RedisLimits) {
        self.channel = channel
        self.executor = executor
        self.limits = limits
        reader = ReplyReader(limit: limits.replyBytes)
        eventLoop = channel.eventLoop
        closing = channel.eventLoop.makePromise()
    }

    // MARK: Sending

    /// True while commands can be sent.
    package var isOpen: Bool { end == nil && !isRetired }

    /// Why it ended, once it has.
    package nonisolated var closed: EventLoopFuture<RedisError> { closing.futureResult }

    /// Sends one command.
    ///
    /// - Parameters:
    ///   - name: for errors.
    ///   - size: an upper bound of what `encode` writes, in bytes.
    ///   - encode: writes the command; called at once.
    ///   - completion: see ``Completion``; never called before this returns.
    /// - Returns: the slot, for ``abandon(_:)``; nil if it could not be sent (the completion says why).
    @discardableResult
    package func send(
        _ name: String,
        size: Int,
        encode: (inout RESPEncoder) -> Void,
        completion: @escaping Completion
    ) -> RedisSlot? {
        send(Waiter(name: name, call: nil, completion: completion), size: size, encode: encode)
    }

    /// Calls a script by its digest, and once more with its text where Redis has forgotten it.
    @discardableResult
    package func send(_ call: ScriptCall, completion: @escaping Completion) -> RedisSlot? {
        let waiter = Waiter(name: call.script.name, call: call, completion: completion)
        guard let digest = digests[call.script] else { return send(waiter, call, by: "EVAL", call.script.source) }
        return send(waiter, call, by: "EVALSHA", digest)
    }

    /// Gives up on a reply: its completion is called with ``RedisError/Code/cancelled``, the reply is dropped when it comes.
    package func abandon(_ slot: RedisSlot) {
        guard let waiter = pipeline.abandon(slot.slot) else { return }
        waiter.completion(.failure(RedisError(.cancelled, "\(waiter.name): the caller gave up")))
    }

    /// The handshake is over. That Redis greets says little: one that takes no writes for a while does so too.
    func greeted() {
        lastReceived = nil
    }

    func remember(_ digest: String, of script: RedisScript) {
        digests[script] = digest
    }

    /// Closes it. What is owing is lost.
    package func close(_ reason: RedisError = RedisError(.away, "the connection was closed")) {
        finish(reason)
    }

    private func send(
        _ waiter: consuming Waiter,
        _ call: ScriptCall,
        by command: String,
        _ script: String
    ) -> RedisSlot? {
        let size =
            RESPEncoder.arraySize + RESPEncoder.bulkSize(command.utf8.count) + RESPEncoder.bulkSize(script.utf8.count)
        let count = call.words.readableBytes
        // To copy what is large would take longer than to write it by itself.
        let isLarge = count > limits.keptBytes
        return send(waiter, size: isLarge ? size : size + count, behind: isLarge ? call.words : nil) { encoder in
            encoder.array(call.count + 2)
            encoder.bulk(command)
            encoder.bulk(script)
            if !isLarge { call.words.withUnsafeReadableBytes { encoder.append($0) } }
        }
    }

    private func send(
        _ waiter: consuming Waiter,
        size: Int,
        behind rest: ByteBuffer? = nil,
        encode: (inout RESPEncoder) -> Void
    ) -> RedisSlot? {
        if let refusal = refusal(of: size + (rest?.readableBytes ?? 0)) {
            // Not from inside the call: a caller's state is not ready for its own completion yet.
            let completion = waiter.completion
            eventLoop.execute { completion(.failure(refusal)) }
            return nil
        }
        // What is large has a buffer of its own: one that grew would be copied, into memory that is new each time. All of them
        // leave with the flush.
        if outbound.readableBytes > 0, outbound.readableBytes + size > limits.keptBytes {
            write()
            outbound = ByteBuffer()
        }
        outbound.writeWithUnsafeMutableBytes(minimumWritableBytes: size) { memory in
            var encoder = RESPEncoder(into: memory)
            encode(&encoder)
            return encoder.count
        }
        if let rest {
            write()
            outbound = rest
        }
        if pipeline.count == 0 { watchSilence() }
        let slot = pipeline.sent(waiter)
        if !isFlushScheduled {
            isFlushScheduled = true
            eventLoop.execute { self.assumeIsolated { $0.flush() } }
        }
        return RedisSlot(slot: slot)
    }

    private func refusal(of size: Int) -> RedisError? {
        if let end { return RedisError(.away, end.message) }
        if isRetired { return RedisError(.readOnly, "the server has become a replica; its primary is looked for") }
        if pipeline.count >= limits.commands || outbound.readableBytes + unwritten + size > limits.unsentBytes {
            return RedisError(.overloaded, "\(pipeline.count) commands wait for Redis already")
        }
        return nil
    }

    /// Writes what was sent, at the end of the turn at the latest; at once, Redis begins with it while more is prepared.
    package func flush() {
        isFlushScheduled = false
        guard end == nil, outbound.readableBytes > 0 else { return }
        isWriting = true
        write()
        channel.flush()
        isWriting = false
        // Written at once in most cases: then the memory is ours alone again, and used again.
        if outbound.storageCapacity > limits.keptBytes { outbound = ByteBuffer() } else { outbound.clear() }
    }

    /// Hands over what was encoded; in pieces, so that it is seen how a large command goes on leaving.
    private func write() {
        while outbound.readableBytes > 0,
            let piece = outbound.readSlice(length: min(outbound.readableBytes, limits.keptBytes))
        {
            unwritten += piece.readableBytes
            let written = eventLoop.makePromise(of: Void.self)
            written.futureResult.whenComplete { _ in
                self.assumeIsolated { connection in
                    connection.unwritten -= piece.readableBytes
                    // What the kernel takes at once says nothing of Redis.
                    if !connection.isWriting { connection.lastProgress = .now() }
                }
            }
            channel.write(piece, promise: written)
        }
    }

    // MARK: Receiving

    func received(_ bytes: ByteBuffer) {
        guard end == nil else { return }
        lastProgress = .now()
        lastReceived = lastProgress
        do throws(RedisError) {
            try reader.feed(bytes)
            while end == nil, let reply = try reader.next() { try take(reply) }
        } catch {
            finish(error)
        }
        if isRetired, pipeline.count == 0 { finish(RedisError(.readOnly, "the server has become a replica")) }
    }

    private func take(_ reply: RedisReply) throws(RedisError) {
        switch pipeline.reply() {
        case .deliver(let waiter):
            guard let text = reply.value.error else { return waiter.completion(.success(reply)) }
            let error = RedisError(reply: text, to: waiter.name)
            if error.code == .readOnly { isRetired = true }
            if error.code == .noScript, let call = waiter.call {
                let again = Waiter(name: waiter.name, call: nil, completion: waiter.completion)
                _ = send(again, call, by: "EVAL", call.script.source)
            } else {
                waiter.completion(.failure(error))
            }
        case .drop:
            break
        case .unexpected:
            throw RedisError(.protocolViolation, "a reply came that nobody asked for")
        }
    }

    func ended(_ reason: String) {
        finish(RedisError(.away, reason))
    }

    private func finish(_ reason: RedisError) {
        guard end == nil else { return }
        end = reason
        channel.close(mode: .all, promise: nil)
        for waiter in pipeline.removeAll() {
            waiter.completion(.failure(RedisError(.lostReply, "\(waiter.name): \(reason.message)")))
        }
        closing.succeed(reason)
    }

    // MARK: Silence

    /// One timer for the whole pipeline, that looks at most once a ``RedisLimits/silence`` while something is owing.
    private func watchSilence() {
        lastProgress = .now()
        guard !isSilenceWatched else { return }
        isSilenceWatched = true
        look(at: lastProgress + limits.silence)
    }

    private func look(at deadline: NIODeadline) {
        eventLoop.scheduleTask(deadline: deadline) {
            self.assumeIsolated { connection in
                guard connection.end == nil, connection.pipeline.count > 0 else {
                    connection.isSilenceWatched = false
                    return
                }
                let deadline = connection.lastProgress + connection.limits.silence
                guard deadline <= .now() else { return connection.look(at: deadline) }
                connection.finish(RedisError(.away, "Redis sent no byte for \(connection.limits.silence)"))
            }
        }
    }
}

/// Where a command stands in its connection's order.
package struct RedisSlot: Sendable {
    fileprivate let slot: CommandPipeline<RedisConnection.Waiter>.Slot
}

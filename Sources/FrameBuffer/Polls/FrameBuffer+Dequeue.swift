internal import NIOCore
internal import RedisClient

extension FrameBuffer {
    /// Who waits for frames: a caller's continuation, and how it wants them.
    struct Poll {
        fileprivate let continuation: UnsafeContinuation<Result<[DequeuedFrame], FrameBufferError>, Never>
        /// nil: the frames are the caller's once the reply has reached it.
        let terms: LeaseTerms?

        func resume(returning result: Result<[DequeuedFrame], FrameBufferError>) {
            continuation.resume(returning: result)
        }
    }

    /// Waits for frames of a selection, up to `wait`; returns as soon as there is one, with up to `count`, leased if there are
    /// `terms`.
    ///
    /// The caller must say what became of each frame's delivery, by ``delivered(_:_:)``. Cancelled before a frame was dealt to
    /// it, or when the service stops, it returns none. Throws ``FrameBufferError``: too many polls, or what Redis said; a
    /// Redis that gives no sign ends it after a second.
    package func dequeue(
        count: Int,
        of selection: FrameSelection = FrameSelection(),
        wait: Duration,
        lease terms: LeaseTerms? = nil
    ) async throws(FrameBufferError) -> [DequeuedFrame] {
        // Which poll a caller that gives up means.
        let ticket = NIOLoopBoundBox<PollQueue<Poll>.ID?>.makeEmptyBox(eventLoop: eventLoop)
        let result = await withTaskCancellationHandler {
            await withUnsafeContinuation { continuation in
                let poll = Poll(continuation: continuation, terms: terms)
                ticket.value = add(poll, count: count, of: selection, wait: wait)
            }
        } onCancel: {
            onLoop { $0.cancel(ticket) }
        }
        return try result.get()
    }

    /// Has a poll wait, unless it ends at once. Not a part of what waits: it would only make the task's memory larger.
    @inline(never)
    private func add(_ poll: Poll, count: Int, of selection: FrameSelection, wait: Duration) -> PollQueue<Poll>.ID? {
        guard !isStopping, !Task.isCancelled else {
            poll.resume(returning: .success([]))
            return nil
        }
        let now = NIODeadline.now()
        let deadline = now + TimeAmount(wait)
        guard let id = polls.add(poll, count: count, of: selection, until: deadline, now: now) else {
            poll.resume(returning: .failure(pollLimit.refusal))
            return nil
        }
        wakeReader()
        armPollTimer(at: min(max(deadline, now + .milliseconds(10)), now + limits.silence))
        return id
    }

    /// How many polls wait on this loop.
    package var pollsWaiting: Int { polls.count }

    /// No poll waits any longer: those that do end empty, and so do those to come.
    package nonisolated func stopPolls() {
        onLoop { $0.endAllPolls() }
    }

    private func endAllPolls() {
        isStopping = true
        for poll in polls.removeAll() { poll.resume(returning: .success([])) }
        wakeReader()
        endTails()
        followed?.resume()
        followed = nil
    }

    private func cancel(_ ticket: NIOLoopBoundBox<PollQueue<Poll>.ID?>) {
        guard let id = ticket.value, let poll = polls.cancel(id) else { return }
        poll.resume(returning: .success([]))
    }

    // MARK: Dealing

    /// Takes frames into hand that were read. What cannot be served goes to the dead letters.
    func takeIn(_ frames: [DequeuedFrame], depth: Int) -> [DequeuedFrame] {
        var servable: [DequeuedFrame] = []
        servable.reserveCapacity(frames.count)
        var largest = 0
        for var frame in frames {
            inHand.insert(frame.delivery.id)
            // A return whose replies were lost, and which was done all the same, must not be told again: it is out again.
            if !handover.returned.isEmpty { handover.returned.removeAll { $0.id == frame.delivery.id } }
            if let reason = frame.unservableReason {
                bury(frame.delivery, reason: reason)
                continue
            }
            frame.depth = depth
            largest = max(largest, frame.size)
            servable.append(frame)
        }
        if largest > 0 { averageFrame = max(largest, averageFrame * 7 / 8) }
        return servable
    }

    /// Hands frames that are in hand to those who wait, in order; returns those that nobody wants for now. `areAll` says
    /// whether these are all that wait.
    func deal(_ frames: [DequeuedFrame], areAll: Bool) -> [DequeuedFrame] {
        let offers = frames.map(offer)
        let deal = polls.deal(offers, areAll: areAll, bytesEach: configuration.bytesAReply)
        // Where old ones are cleared away, one by one would be slow.
        isClearing = deal.fates.contains(.expired)
        var shares = Array(repeating: [DequeuedFrame](), count: deal.waiters.count)
        var left: [DequeuedFrame] = []
        for (index, frame) in frames.enumerated() {
            switch deal.fates[index] {
            case .dealt(let waiter): shares[waiter].append(frame)
            case .left: left.append(frame)
            case .expired: giveUp(frame, .expired, age: offers[index].age)
            case .superseded: giveUp(frame, .superseded, age: offers[index].age)
            }
        }
        var leases: [(poll: Poll, terms: LeaseTerms, frames: [DequeuedFrame])] = []
        for (poll, frames) in zip(deal.waiters, shares) {
            if let terms = poll.terms {
                leases.append((poll, terms, frames))
            } else {
                activity.dequeued += frames.count
                poll.resume(returning: .success(frames))
            }
        }
        if !leases.isEmpty { lease(leases) }
        return left
    }

    private func offer(_ frame: DequeuedFrame) -> PollQueue<Poll>.Offer {
        guard polls.selective > 0 else { return PollQueue.Offer(size: frame.size) }
        return frame.withStored { stored in
            PollQueue.Offer(
                size: frame.size,
                age: clock.age(of: frame.time(of: stored)).milliseconds,
                camera: stored.cameraID
            )
        }
    }

    private func giveUp(_ frame: DequeuedFrame, _ reason: UnwantedFrame.Reason, age: Int) {
        giveUp(
            UnwantedFrame(
                delivery: frame.delivery,
                frame: EndedFrame(frame),
                reason: reason,
                age: FrameAge(milliseconds: age)
            )
        )
    }

    /// How old a frame is.
    package nonisolated func age(of frame: DequeuedFrame, _ stored: StoredFrame) -> FrameAge {
        clock.age(of: frame.time(of: stored))
    }

    // MARK: Ending

    /// A look into the queue has come to its end: who waits only for one that saw all frames ends empty.
    func lookEnded(sawAll: Bool) {
        guard sawAll else { return polls.sawSign(at: .now()) }
        polls.lookEnded(now: .now())
        if polls.overdue > 0 { endPolls() }
    }

    /// Ends the polls whose time has come.
    private func endPolls() {
        // A large frame over a slow line takes a while.
        if let sign = reader?.connection.assumeIsolated({ $0.lastReceived }) { polls.sawSign(at: sign) }
        let ended = polls.end(now: .now())
        for poll in ended.empty { poll.resume(returning: .success([])) }
        for poll in ended.failed {
            let error = readFailure ?? RedisError(.away, "Redis does not answer")
            poll.resume(returning: .failure(self.error(error)))
        }
        if let next = polls.nextEnd { armPollTimer(at: next) }
    }

    /// Redis answered with an error that no waiting mends: those who wait hear it now.
    func failPolls(_ error: RedisError) {
        for poll in polls.removeAll() { poll.resume(returning: .failure(self.error(error))) }
    }

    /// One timer for all polls, at the earliest end; ends within the same hundredth of a second share it.
    private func armPollTimer(at end: NIODeadline) {
        let slot: UInt64 = 10_000_000
        let deadline = NIODeadline.uptimeNanoseconds((end.uptimeNanoseconds + slot - 1) / slot * slot)
        if let timer = pollTimer {
            guard deadline < timer.deadline else { return }
            timer.task.cancel()
        }
        let task = eventLoop.scheduleTask(deadline: deadline) {
            // What was read in this turn of the loop is dealt before anybody is told that nothing came.
            self.eventLoop.execute {
                self.assumeIsolated { buffer in
                    buffer.pollTimer = nil
                    buffer.endPolls()
                }
            }
        }
        pollTimer = (deadline, task)
    }
}

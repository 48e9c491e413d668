package import FrameTracking
internal import RedisClient

/// The spans of one queue's frames, by the OpenTelemetry conventions for messaging and the guide's own names.
package struct FrameSpans: Sendable {
    private let tracer: FrameTracer
    private let queue: String
    private let enqueueName: String
    private let dequeueName: String
    private let dequeueTrace: QueueConfiguration.DequeueTrace
    /// What the spans have that are about frames on their way in, out of the queue, and others.
    private let enqueueAttributes: AttributeSet
    private let dequeueAttributes: AttributeSet
    private let attributes: AttributeSet
    private let group: SpanRecord.Attribute

    /// The spans of the frames of `queue`, in the Redis at `address`, as `tracer` records them.
    init(tracer: FrameTracer, queue: QueueConfiguration, address: RedisAddress) {
        self.tracer = tracer
        self.queue = queue.name
        enqueueName = "enqueue \(queue.name)"
        dequeueName = "dequeue \(queue.name)"
        // Without spans of our own there is nothing to link: the frame's context goes on.
        dequeueTrace = tracer.isEnabled ? queue.dequeueTrace : .parent
        // Where Redis is: its host, or the path of its socket.
        let server: [SpanRecord.Attribute] =
            switch address.endpoint {
            case .tcp(let host, let port): [.init("server.address", .string(host)), .init("server.port", .int(port))]
            case .unix(let path): [.init("server.address", .string(path))]
            }
        let all =
            [
                .init("queue.name", .string(queue.name)), .init("messaging.system", "redis"),
                .init("messaging.destination.name", .string(queue.name)),
            ] + server
        group = .init("messaging.consumer.group.name", .string(queue.group))
        attributes = AttributeSet(all)
        enqueueAttributes = AttributeSet(all + Self.operation("enqueue", "send"))
        dequeueAttributes = AttributeSet(all + Self.operation("dequeue", "receive") + [group])
    }

    private static func operation(_ name: String, _ type: String) -> [SpanRecord.Attribute] {
        [
            .init("messaging.operation.name", .string(name)), .init("messaging.operation.type", .string(type)),
        ]
    }

    // MARK: Enqueue

    /// Starts the span of a frame on its way in: under what the request brought, else under what the frame carries, else
    /// under the request's own span. The other of the two it links to.
    ///
    /// Returns the context that the entry is to hold; nil where tracing is off and nobody brought one.
    func startEnqueue(_ frame: IncomingFrame, caller: Caller) -> (span: SpanRecord, context: OutgoingContext?) {
        let (carried, own) = frame.carriedContext { readsContexts ? Self.contextAndBaggage($0) : nil }
        let parent = caller.broughtContext ? caller.span : carried?.span ?? caller.span
        let other = caller.broughtContext ? carried?.span : carried.flatMap { _ in caller.span }
        let span = tracer.startSpan(enqueueName, kind: .producer, parent: parent, attributes: enqueueAttributes)
        if let other { span.addLink(other) }
        span.addEvent("frame_buffer_enqueue", at: span.start)
        // From where the context came from, or from wherever it is if that is nowhere.
        let baggage: Baggage? =
            switch carried {
            case _ where caller.broughtContext: caller.baggage
            case let carried?: Self.baggage(carried.baggage)
            case nil: caller.baggage ?? Self.baggage(frame.carriedBaggage)
            }
        let context = outgoing(span.context, baggage: baggage, rewriting: own)
        return (span, context)
    }

    /// Ends it, with what Redis answered. Of a duplicate, id and message id are those of the frame that is in the queue.
    func endEnqueue(
        _ span: SpanRecord,
        frame: IncomingFrame,
        frameID: String,
        outcome: Result<FrameBuffer.Place, FrameBufferError>,
        isDuplicate: Bool = false
    ) {
        if span.isRecording {
            span.setAttribute("frame.id", frameID)
            if let id = frame.cameraID { span.setAttribute("camera.id", id) }
            span.setAttribute("frame.size", frame.size)
            if isDuplicate { span.setAttribute(.init("frame.duplicate", true)) }
            switch outcome {
            case .success(let place):
                place.id.withText { span.setAttribute("messaging.message.id", $0) }
                span.setAttribute("buffer.size", place.depth)
            case .failure(let error): span.setError(type: error.type, message: error.message)
            }
        }
        tracer.end(span)
    }

    // MARK: Dequeue

    /// Starts the span of a frame on its way out, under the context that its entry holds, with a link to the request; or
    /// the other way round. A `consumer` is who says it holds the frame.
    ///
    /// Returns the context that the reply's frame is to hold. Its baggage is the frame's in either case, as the worker
    /// has its own.
    package func startDequeue(
        _ frame: DequeuedFrame,
        stored: StoredFrame,
        age: FrameAge,
        consumer: String?,
        caller: Caller
    ) -> (span: SpanRecord, context: OutgoingContext?) {
        let (carried, own) = stored.carriedContext { readsContexts ? Self.contextAndBaggage($0) : nil }
        var (parent, other) = (carried?.span, caller.span)
        if dequeueTrace == .link { swap(&parent, &other) }
        let span = tracer.startSpan(dequeueName, kind: .consumer, parent: parent, attributes: dequeueAttributes)
        if span.isRecording {
            if let other { span.addLink(other) }
            span.addEvent("frame_buffer_dequeue", at: span.start)
            if let id = stored.text(.frameID) { span.setAttribute("frame.id", id) }
            if let id = stored.text(.cameraID) { span.setAttribute("camera.id", id) }
            span.setAttribute("frame.size", stored.size)
            frame.delivery.id.withText { span.setAttribute("messaging.message.id", $0) }
            span.setAttribute("buffer.size", frame.depth)
            span.setAttribute("frame.age_ms", age.milliseconds)
            span.setAttribute("frame.deliveries", frame.delivery.number)
            if let consumer { span.setAttribute("messaging.client.id", consumer) }
        }
        let baggage = if let carried { carried.baggage } else { stored.carriedBaggage }
        let context = outgoing(span.context, baggage: Self.baggage(baggage), rewriting: own)
        return (span, context)
    }

    /// Ends it: the frame's reply is made.
    package func endDequeue(_ span: SpanRecord) {
        tracer.end(span)
    }

    // MARK: Leases

    /// Starts the span of a settlement, under the request's.
    func startSettlement(_ settlement: Settlement, caller: Caller) -> SpanRecord {
        tracer.startSpan("\(settlement.name) \(queue)", kind: .client, parent: caller.span, attributes: attributes)
    }

    /// Ends it, with links to the frames that were settled.
    func endSettlement(
        _ span: SpanRecord,
        _ settlement: Settlement,
        of frames: [SettledFrame],
        outcome: SettlementOutcome
    ) {
        if span.isRecording {
            describe(span, settlement)
            span.setAttribute("messaging.batch.message_count", frames.count)
            if !outcome.stale.isEmpty { span.setAttribute("frame.stale_receipts", outcome.stale.count) }
            if frames.count == 1 {
                span.setAttribute("messaging.message.id", frames[0].messageID.description)
                if let frameID = frames[0].frameID { span.setAttribute("frame.id", frameID) }
            }
            for frame in frames {
                let carried = CarriedContext(traceparent: frame.traceparent, tracestate: nil)
                guard let context = carried.flatMap(Self.context) else { continue }
                var attributes = [
                    SpanRecord.Attribute("messaging.message.id", .string(frame.messageID.description))
                ]
                if let frameID = frame.frameID { attributes.append(.init("frame.id", .string(frameID))) }
                span.addLink(context, attributes: attributes)
            }
        }
        tracer.end(span)
    }

    /// Ends it: Redis could not be asked.
    func endSettlement(_ span: SpanRecord, _ settlement: Settlement, error: FrameBufferError) {
        if span.isRecording {
            describe(span, settlement)
            span.setError(type: error.type, message: error.message)
        }
        tracer.end(span)
    }

    private func describe(_ span: SpanRecord, _ settlement: Settlement) {
        for attribute in Self.operation(settlement.name, "settle") + [group] { span.setAttribute(attribute) }
    }

    // MARK: Ends

    /// The last span of a frame that was given up on, in its trace. Returns its context.
    func died(_ frame: DeadFrame) -> SpanContext? {
        end(frame.frame, as: "dead-letter", event: "frame_buffer_dead_letter") { span in
            span.setAttribute("frame.deliveries", frame.deliveries)
            span.setAttribute("frame.dead_reason", frame.reason)
            span.setError(type: frame.cause, message: frame.reason)
        }
    }

    /// The last span of a frame that made room for a newer one, in its trace. Returns its context.
    func dropped(_ frame: EndedFrame) -> SpanContext? {
        end(frame, as: "drop", event: "frame_buffer_drop") { _ in }
    }

    /// The last span of a frame that nobody wants any more, in its trace.
    func ended(_ unwanted: UnwantedFrame) {
        let (name, event) =
            switch unwanted.reason {
            case .expired: ("expire", "frame_buffer_expire")
            case .superseded: ("supersede", "frame_buffer_supersede")
            }
        end(unwanted.frame, as: name, event: event) { $0.setAttribute("frame.age_ms", unwanted.age.milliseconds) }
    }

    /// The last span of a frame that was deleted, in its trace.
    func deleted(_ frame: EndedFrame, caller: Caller) {
        end(frame, as: "delete", event: "frame_buffer_delete", caller: caller) { _ in }
    }

    /// The span of a dead letter that is a frame in the queue again, in its trace, which goes on.
    func redriven(_ frame: EndedFrame, caller: Caller) {
        end(frame, as: "redrive", event: "frame_buffer_redrive", caller: caller) { _ in }
    }

    /// A span of a moment, in the frame's trace, with a link to the request that it was done for.
    @discardableResult
    private func end(
        _ frame: EndedFrame,
        as name: String,
        event: String,
        caller: Caller = .nobody,
        _ describeMore: (SpanRecord) -> Void
    ) -> SpanContext? {
        let span = tracer.startSpan("\(name) \(queue)", parent: frame.context, attributes: attributes)
        if span.isRecording {
            if let request = caller.span { span.addLink(request) }
            span.addEvent(event)
            if let frameID = frame.frameID { span.setAttribute("frame.id", frameID) }
            if let cameraID = frame.cameraID { span.setAttribute("camera.id", cameraID) }
            span.setAttribute("messaging.message.id", frame.messageID)
            describeMore(span)
        }
        let context = span.context
        tracer.end(span)
        return context
    }

    // MARK: Purges

    /// Starts the span of a purge, under the request's. Frames that it deletes have none of their own: there may be
    /// very many.
    func startPurge(caller: Caller) -> SpanRecord {
        tracer.startSpan("purge \(queue)", kind: .client, parent: caller.span, attributes: attributes)
    }

    /// Ends it, with how many frames were deleted.
    func endPurge(_ span: SpanRecord, _ outcome: Result<Int, FrameBufferError>) {
        if span.isRecording {
            span.addEvent("frame_buffer_purge")
            span.setAttribute("messaging.operation.name", "purge")
            span.setAttribute(group)
            switch outcome {
            case .success(let count): span.setAttribute("messaging.batch.message_count", count)
            case .failure(let error): span.setError(type: error.type, message: error.message)
            }
        }
        tracer.end(span)
    }

    // MARK: Contexts

    static func context(_ carried: CarriedContext) -> SpanContext? {
        SpanContext(traceparent: carried.traceparent, tracestate: carried.tracestate)
    }

    static func traceparent(_ context: SpanContext) -> String { TraceParent.format(context) }

    private static func baggage(_ text: String?) -> Baggage? { text.flatMap { Baggage($0) } }

    static func contextAndBaggage(_ carried: CarriedContext) -> (span: SpanContext, baggage: String?)? {
        context(carried).map { ($0, carried.baggage) }
    }

    /// Whether contexts that frames carry are read at all.
    private var readsContexts: Bool { tracer.propagators.contains(.traceContext) }

    /// What a frame leaves with, as far as it is to be written at all.
    private func outgoing(
        _ span: SpanContext?,
        baggage: Baggage?,
        rewriting: OwnContextFields
    ) -> OutgoingContext? {
        OutgoingContext(
            readsContexts ? span : nil,
            baggage: tracer.propagators.contains(.baggage) ? baggage : nil,
            rewriting: rewriting
        )
    }
}

extension SpanRecord {
    /// Sets an attribute to the text of a field; what is not UTF-8 is replaced.
    fileprivate func setAttribute(_ key: StaticString, _ text: RawText) {
        if UTF8Text.isValid(text) { setAttribute(key, text.buffer) } else { setAttribute(key, text.string) }
    }
}

extension OutgoingContext {
    /// What makes its reader a child of `span`, with the baggage; nil where there is neither.
    convenience init?(_ span: SpanContext?, baggage: Baggage?, rewriting: OwnContextFields) {
        guard let span else {
            guard let baggage else { return nil }
            self.init(traceparent: nil, baggage: baggage.rawValue, rewriting: rewriting)
            return
        }
        self.init(
            traceparent: TraceParent.format(span),
            tracestate: span.traceState?.rawValue,
            baggage: baggage?.rawValue,
            rewriting: rewriting
        )
    }
}

internal import FrameBuffer
internal import HTTPServer
internal import NIOCore
internal import NIOHTTP1

/// `GET /dequeue`: the next frame goes to the caller, and is settled once it has reached it, or leased to it.
struct DequeueEndpoint: Sendable {
    let queues: Queues

    /// What a caller wants.
    private struct Wish {
        let queue: FrameBuffer
        var wait = Duration.seconds(1)
        /// nil: one frame, not in an array.
        var count: Int?
        var selection = FrameSelection()
        var form = AcceptedForm.json
        /// nil: the frame is settled once it has reached the caller.
        var lease: Duration?
        /// Who the caller says it is; for a lease, else, its address.
        var consumer: String?

        var terms: LeaseTerms? { lease.map { LeaseTerms(duration: $0, holder: consumer ?? "") } }
    }

    /// From where to whom a frame goes.
    private struct Way {
        let queue: FrameBuffer
        let consumer: String?
        let caller: Caller

        /// Has a frame's reply made within the span of its way out; `reply` is given its age and the context it leaves with.
        func handOut<Reply>(
            _ frame: DequeuedFrame,
            _ stored: StoredFrame,
            _ reply: (FrameAge, OutgoingContext?) -> Reply
        ) -> Reply {
            let age = queue.age(of: frame, stored)
            let (span, context) = queue.spans.startDequeue(
                frame,
                stored: stored,
                age: age,
                consumer: consumer,
                caller: caller
            )
            defer { queue.spans.endDequeue(span) }
            return reply(age, context)
        }
    }

    func register(in router: inout Router<Endpoint>) {
        for method in [HTTPMethod.GET, .POST] {
            router.add(method, "/dequeue", tracing: .ifFound, handle: dequeue)
        }
    }

    @Sendable private func dequeue(_ request: HTTPRequest, caller: Caller) async throws -> Endpoint.Answer {
        let wish = try wish(of: request)
        let frames = try await wish.queue.dequeue(
            count: wish.count ?? 1,
            of: wish.selection,
            wait: wish.wait,
            lease: wish.terms
        )
        return answer(frames, wish, caller)
    }

    @inline(never)
    private func answer(_ frames: [DequeuedFrame], _ wish: Wish, _ caller: Caller) -> Endpoint.Answer {
        guard let first = frames.first else { return Endpoint.Answer(response: empty(wish), found: false) }
        let queue = wish.queue
        let way = Way(queue: queue, consumer: wish.consumer, caller: caller)
        var answer: Endpoint.Answer
        if wish.count != nil {
            answer = batch(frames, on: way)
        } else {
            answer = first.withStored { stored in
                let payload = wish.form == .payload ? stored.payload : nil
                return payload.map { self.payload(first, stored, $0, on: way) } ?? single(first, stored, on: way)
            }
        }
        let deliveries = frames.map(\.delivery)
        answer.response.onDelivery = { queue.delivered(deliveries, $0 == .reached) }
        return answer
    }

    // MARK: What is wanted

    @inline(never)
    private func wish(of request: HTTPRequest) throws(HTTPProblem) -> Wish {
        var wish = Wish(queue: try queues.queue(of: request))
        wish.form = try request.acceptedForm()
        try request.forEachParameter(of: ["queue", "wait", "count", "lease", "consumer", "max_age", "mode"]) {
            name,
            value throws(HTTPProblem) in
            switch name {
            case "wait": wish.wait = try Duration(parameter: name, value, in: Duration.waits)
            case "count": wish.count = try Int(parameter: name, value, in: 1...100)
            case "lease": wish.lease = try Duration(parameter: name, value, in: LeaseTerms.durations)
            case "max_age":
                wish.selection.maxAge = try Duration(parameter: name, value, in: FrameSelection.ages)
            case "mode":
                guard value == "latest" else {
                    throw HTTPProblem(.badRequest, detail: "mode is latest; without it the next frame comes")
                }
                wish.selection.isLatest = true
            case "consumer":
                guard (1...256).contains(value.utf8.count), !value.hasControlCharacters else {
                    throw HTTPProblem(
                        .badRequest,
                        detail: "consumer is a name of 1 to 256 bytes without control characters"
                    )
                }
                wish.consumer = value
            default: break
            }
        }
        if wish.count != nil, wish.form == .payload {
            throw HTTPProblem(
                .badRequest,
                detail: "several frames come as application/json only: leave out count, or accept that"
            )
        }
        if wish.lease != nil, wish.consumer == nil {
            wish.consumer = request.remoteAddress.map { "\($0.host):\($0.port)" }
        }
        return wish
    }

    // MARK: What is answered

    private func empty(_ wish: Wish) -> HTTPResponse {
        guard wish.form == .json else {
            return HTTPResponse(status: .noContent, headers: ["Cache-Control": "no-store"])
        }
        var json = JSONWriter()
        json.object { $0.member("status", "empty") }
        return HTTPResponse(json: json)
    }

    private func single(_ frame: DequeuedFrame, _ stored: StoredFrame, on way: Way) -> Endpoint.Answer {
        way.handOut(frame, stored) { age, context in
            var json = JSONWriter(Self.buffer(for: frame.size))
            json.object {
                $0.member("status", "dequeued")
                $0.members(of: frame, stored, age: age, context: context)
            }
            return Endpoint.Answer(response: HTTPResponse(json: json), context: context)
        }
    }

    /// Room for the reply as long as nothing in it has to be escaped.
    private static func buffer(for size: Int, count: Int = 1) -> ByteBuffer {
        ByteBufferAllocator().buffer(capacity: 256 + size + size / 8 + 512 * count)
    }

    private func batch(_ frames: [DequeuedFrame], on way: Way) -> Endpoint.Answer {
        var json = JSONWriter(Self.buffer(for: frames.reduce(0) { $0 + $1.size }, count: frames.count))
        json.object {
            $0.member("status", "dequeued")
            $0.array("frames") { json in
                for frame in frames {
                    frame.withStored { stored in
                        way.handOut(frame, stored) { age, context in
                            json.object { $0.members(of: frame, stored, age: age, context: context) }
                        }
                    }
                }
            }
        }
        return Endpoint.Answer(response: HTTPResponse(json: json), batch: frames.count)
    }

    private func payload(
        _ frame: DequeuedFrame,
        _ stored: StoredFrame,
        _ payload: UnsafeRawBufferPointer,
        on way: Way
    ) -> Endpoint.Answer {
        way.handOut(frame, stored) { age, context in
            var response = HTTPResponse(payload: payload, of: stored, id: frame.delivery.id, context: context)
            response.headers.add("X-Frame-Age-Ms", String(age.milliseconds))
            if let lease = frame.delivery.lease {
                response.headers.add("X-Receipt", lease.receipt.description)
                response.headers.add("X-Lease-Expires-In-Ms", String(lease.duration.milliseconds))
            }
            return Endpoint.Answer(response: response, context: context)
        }
    }
}

extension JSONWriter {
    /// The members that say all of one frame.
    fileprivate mutating func members(
        of frame: DequeuedFrame,
        _ stored: StoredFrame,
        age: FrameAge,
        context: OutgoingContext?
    ) {
        member("frame") { stored.writeJSON(into: &$0, context: context) }
        member("trace_id", traceIDOf: context)
        member("message_id", frame.delivery.id)
        member("age_ms", age.milliseconds)
        member("deliveries", frame.delivery.number)
        guard let lease = frame.delivery.lease else { return }
        object("lease") {
            $0.member("receipt", lease.receipt.description)
            $0.member("expires_in_ms", Int(lease.duration.milliseconds))
        }
    }
}

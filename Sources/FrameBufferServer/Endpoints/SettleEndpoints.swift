internal import FrameBuffer
internal import HTTPServer
internal import NIOHTTP1

/// `POST /ack`, `/nack`, `/extend` and `/reject`: the holder of leased frames says what is to become of them.
struct SettleEndpoints: Sendable {
    let queues: Queues

    func register(in router: inout Router<Endpoint>) {
        add("/ack", members: [], to: &router) { _ in .ack }
        add("/nack", members: ["delay", "reason"], to: &router) { body in
            let delay = try body.duration("delay", in: Settlement.delays)
            return .nack(
                delay: delay ?? .zero,
                reason: try body.line("reason", most: Settlement.longestReason) ?? ""
            )
        }
        add("/extend", members: ["lease"], to: &router) { body in
            guard let duration = try body.duration("lease", in: LeaseTerms.durations) else {
                throw HTTPProblem(.badRequest, detail: "lease, how long the leases are to last from now on, is missing")
            }
            return .extend(duration)
        }
        add("/reject", members: ["reason"], to: &router) { body in
            .reject(reason: try body.line("reason", most: Settlement.longestReason) ?? "")
        }
    }

    private func add(
        _ path: String,
        members: [String],
        to router: inout Router<Endpoint>,
        _ settlement: @escaping @Sendable (RequestBody) throws -> Settlement
    ) {
        router.add(.POST, path, tracing: .always) { request, caller in
            let queue = try queues.queue(of: request)
            try request.forEachParameter(of: ["queue"])
            let body = try RequestBody(request.body, names: ["receipts"] + members)
            let receipts = try body.list(
                "receipts",
                of: "receipt",
                most: Settlement.mostReceipts,
                Receipt.init
            )
            let outcome = try await queue.settle(receipts, as: try settlement(body), for: caller)
            return try answer(outcome, to: receipts)
        }
    }

    private func answer(_ outcome: SettlementOutcome, to receipts: [Receipt]) throws(HTTPProblem) -> Endpoint.Answer {
        guard outcome.stale.count < Set(receipts).count else {
            throw HTTPProblem(
                .conflict,
                type: "urn:framebuffer:stale-receipts",
                title: "Stale receipts",
                detail:
                    "nothing has changed: since these receipts were given out, if they were, their frames were handed "
                    + "out again, died or were deleted"
            )
        }
        var json = JSONWriter()
        json.object {
            $0.member("settled", outcome.settled)
            $0.array("stale") { json in
                for receipt in outcome.stale { json.element(receipt.description) }
            }
        }
        return Endpoint.Answer(response: HTTPResponse(json: json))
    }
}

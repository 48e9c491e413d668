internal import FrameBuffer
internal import FrameTracking
internal import HTTPServer
internal import NIOCore
internal import NIOHTTP1

/// `GET /metrics`: what the process counts, for Prometheus.
///
/// It is answered without Redis too: then what only Redis knows is left out.
struct MetricsEndpoint: Sendable {
    let queues: Queues
    let process: ServiceState

    func register(in router: inout Router<Endpoint>) {
        for method in [HTTPMethod.GET, .HEAD] {
            router.add(method, "/metrics", tracing: .never, handle: metrics)
        }
    }

    @Sendable private func metrics(_ request: HTTPRequest, caller: Caller) async throws -> Endpoint.Answer {
        let format = MetricsFormat(accepting: request.headers.all("accept"))
        var text = MetricsText(format)
        text.info("framebuffer_build", "Which version runs.", ["version": ServiceState.version])
        await writeQueues(to: &text)
        await writeActivity(to: &text)
        writeRequests(to: &text)
        writeTracing(to: &text)
        writeProcess(to: &text)
        return Endpoint.Answer(
            response: HTTPResponse(
                status: .ok,
                headers: ["Content-Type": format.contentType, "Cache-Control": "no-store"],
                body: text.finish()
            )
        )
    }

    // MARK: Queues

    /// What Redis says of one queue.
    private struct Contents {
        let name: String
        let size: QueueSize
        let losses: QueueDetail.Losses
        let trimmed: Int
    }

    private func writeQueues(to text: inout MetricsText) async {
        // All at the same time: together they wait no longer than one of them.
        async let latency = latency()
        let contents = await contents()
        guard let latency = await latency else {
            return text.gauge("framebuffer_redis_up", "Whether Redis answers: 1 or 0.", .init(0))
        }
        text.gauge("framebuffer_redis_up", "Whether Redis answers: 1 or 0.", .init(1))
        text.gauge("framebuffer_redis_latency_seconds", "How long Redis took to answer now.", .init(latency))
        text.gauge(
            "framebuffer_queue_frames",
            "Frames by where they are.",
            contents.flatMap { queue in
                [("waiting", queue.size.waiting), ("leased", queue.size.leased), ("dead", queue.size.dead)].map {
                    .init($1, ["queue": queue.name, "state": $0])
                }
            }
        )
        func gauge(_ name: String, _ help: String, _ value: (QueueSize) -> Double?) {
            text.gauge(
                name,
                help,
                contents.compactMap { queue in value(queue.size).map { .init($0, ["queue": queue.name]) } }
            )
        }
        gauge("framebuffer_queue_capacity_frames", "The most frames that may wait or be leased.") {
            Double($0.capacity)
        }
        gauge("framebuffer_queue_bytes", "What the frames take of Redis' memory, by its estimate.") { Double($0.bytes) }
        gauge("framebuffer_queue_capacity_bytes", "The most that they may take, where that is bounded.") {
            $0.capacityBytes.map(Double.init)
        }
        gauge("framebuffer_queue_oldest_age_seconds", "How old the frame is that waits longest; 0: none does.") {
            Double($0.oldestAge?.milliseconds ?? 0) / 1000
        }
        text.counter(
            "framebuffer_frames_lost",
            "Frames that nobody got, of all instances together.",
            contents.flatMap { queue in
                [
                    ("dropped", queue.losses.dropped), ("expired", queue.losses.expired),
                    ("superseded", queue.losses.superseded), ("trimmed", queue.trimmed),
                ].map { .init($1, ["queue": queue.name, "reason": $0]) }
            }
        )
    }

    /// How long Redis takes to answer now, in seconds; nil where it doesn't.
    private func latency() async -> Double? {
        let start = NIODeadline.now()
        guard (try? await queues.all[0].ping()) != nil else { return nil }
        return Double((NIODeadline.now() - start).nanoseconds) / 1e9
    }

    /// What is known of the queues, in their order. One that is no stream, for instance, is left out: /health says why.
    private func contents() async -> [Contents] {
        await withTaskGroup { group in
            for (index, queue) in queues.all.enumerated() {
                group.addTask {
                    async let losses = queue.losses()
                    guard let size = try? await queue.size(), let (losses, trimmed) = try? await losses else {
                        return nil as (index: Int, contents: Contents)?
                    }
                    let name = queue.configuration.name
                    return (index, Contents(name: name, size: size, losses: losses, trimmed: trimmed))
                }
            }
            var found: [(index: Int, contents: Contents)] = []
            for await contents in group { if let contents { found.append(contents) } }
            return found.sorted { $0.index < $1.index }.map(\.contents)
        }
    }

    private func writeActivity(to text: inout MetricsText) async {
        var activities: [(queue: String, activity: QueueActivity)] = []
        for (index, queue) in queues.all.enumerated() {
            var activity = QueueActivity()
            for loop in process.loops { activity = activity + (await loop.all[index].activity) }
            activities.append((queue.configuration.name, activity))
        }
        func counter(_ event: String, _ help: String, _ count: KeyPath<QueueActivity, Int>) {
            text.counter(
                "framebuffer_frames_\(event)",
                help,
                activities.map { .init($0.activity[keyPath: count], ["queue": $0.queue]) }
            )
        }
        counter("enqueued", "Frames that were put into the queue.", \.enqueued)
        counter("dequeued", "Frames that were given to a worker, be it again.", \.dequeued)
        counter("settled", "Frames that reached their worker, or whose leases were acknowledged.", \.settled)
        counter("returned", "Frames that were given to a worker and did not reach it.", \.returned)
        counter("nacked", "Frames that workers handed back.", \.nacked)
        counter("died", "Frames that went to the dead letters.", \.dead)
        text.gauge("framebuffer_polls_waiting", "Requests that wait for a frame.", .init(process.polls.count))
        text.gauge("framebuffer_polls_limit", "The most that may.", .init(process.polls.most))
    }

    // MARK: HTTP

    private func writeRequests(to text: inout MetricsText) {
        text.histogram(
            "http_server_request_duration_seconds",
            "How long requests took, from their head to their answer; waiting for a frame is part of it.",
            process.requests.totals.map { kind, histogram in
                let labels: MetricsText.Labels = [
                    "http_request_method": kind.method, "http_route": kind.route,
                    "http_response_status_code": "\(kind.status)",
                ]
                return (labels, histogram)
            }
        )
        let connections = process.connections
        text.gauge("http_server_open_connections", "Connections that are open.", .init(connections.openConnections))
        text.counter(
            "http_server_connections",
            "Connections that were accepted.",
            .init(connections.acceptedConnections)
        )
        text.counter(
            "http_server_refused_connections",
            "Connections that were one too many.",
            .init(connections.refusedConnections)
        )
        text.counter(
            "http_server_reset_connections",
            "Connections whose peer acknowledged nothing, or whose frame had to go back.",
            .init(connections.resetConnections)
        )
        text.counter(
            "http_server_refused_requests",
            "Requests that were malformed, too large or too slow to be read.",
            .init(connections.refusedRequests)
        )
        text.counter(
            "http_server_paused_reads",
            "How often reading waited for answers that were owing, or for who reads them.",
            .init(connections.pausedReads)
        )
    }

    // MARK: Traces

    private func writeTracing(to text: inout MetricsText) {
        let tracing = process.tracer.statistics
        text.info("framebuffer_tracing", "Where spans go.", ["exporter": tracing.exporter])
        text.gauge("framebuffer_spans_queued", "Spans that wait to be exported.", .init(tracing.queued))
        text.counter("framebuffer_spans_exported", "Spans that the receiver took.", .init(tracing.exported))
        text.counter(
            "framebuffer_spans_dropped",
            "Spans that nobody got, by what /health calls it.",
            tracing.droppedBy.map { .init($0.count, ["reason": "\($0.reason)"]) }
        )
        text.gauge(
            "framebuffer_span_exporter_failing",
            "Whether the last batch of spans was not delivered: 1 or 0.",
            .init(tracing.isFailing ? 1 : 0)
        )
    }

    // MARK: The process

    private func writeProcess(to text: inout MetricsText) {
        let usage = ProcessUsage()
        if let seconds = usage.cpuSeconds {
            text.counter("process_cpu_seconds", "Time of the processor that was taken.", .init(seconds))
        }
        text.gauge(
            "process_start_time_seconds",
            "When the process started, since 1970.",
            .init(Double(process.startedAt) / 1e9)
        )
        func gauge(_ name: String, _ help: String, _ value: Int?) {
            if let value { text.gauge(name, help, .init(value)) }
        }
        gauge("process_resident_memory_bytes", "Memory that is in RAM.", usage.residentBytes)
        gauge("process_virtual_memory_bytes", "Memory that addresses were given out for.", usage.virtualBytes)
        gauge("process_open_fds", "Files and connections that are open.", usage.openFiles)
        gauge("process_max_fds", "The most that may be.", usage.mostFiles)
    }
}

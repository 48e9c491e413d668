import NIOCore
import NIOHTTP1
import NIOPosix
import Synchronization

/// A receiver of traces on loopback that answers as the test tells it to.
final class Collector: Sendable {
    /// What to do with a request.
    enum Reply: Sendable {
        case status(Int, headers: [String: String] = [:], body: [UInt8] = [])
        /// Closes the connection without an answer.
        case close
        /// Never answers.
        case hang
        /// Begins an answer and goes on with it for ever.
        case endless(Int)
        /// Begins an answer and says no more.
        case stall(Int, headers: [String: String] = [:])
        /// Begins an answer and closes the connection in the middle of it.
        case cut(Int)
    }

    struct Request: Sendable {
        let uri: String
        let headers: HTTPHeaders
        let body: [UInt8]
    }

    private let state: Mutex<(replies: [Reply], requests: [Request])>
    let port: Int

    var requests: [Request] { state.withLock { $0.requests } }

    /// Runs `body` with a receiver that answers with `replies` in turn, and 200 from then on.
    static func run<Result>(
        _ replies: [Reply] = [],
        _ body: (Collector) async throws -> Result
    ) async throws -> Result {
        let handler = Mutex<Collector?>(nil)
        let channel = try await ServerBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.configureHTTPServerPipeline()
                    try channel.pipeline.syncOperations.addHandler(
                        Handler(collector: handler.withLock { $0 })
                    )
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        let collector = Collector(replies: replies, port: channel.localAddress?.port ?? 0)
        handler.withLock { $0 = collector }
        do {
            let result = try await body(collector)
            try await channel.close()
            return result
        } catch {
            try await channel.close()
            throw error
        }
    }

    private init(replies: [Reply], port: Int) {
        state = Mutex((replies, []))
        self.port = port
    }

    private func take(_ request: Request) -> Reply {
        state.withLock { state in
            state.requests.append(request)
            return state.replies.isEmpty ? .status(200) : state.replies.removeFirst()
        }
    }

    private final class Handler: ChannelInboundHandler {
        typealias InboundIn = HTTPServerRequestPart
        typealias OutboundOut = HTTPServerResponsePart

        private let collector: Collector?
        private var head: HTTPRequestHead?
        private var body: [UInt8] = []

        init(collector: Collector?) {
            self.collector = collector
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            switch unwrapInboundIn(data) {
            case .head(let head):
                self.head = head
                body = []
            case .body(let part): body.append(contentsOf: part.readableBytesView)
            case .end:
                guard let head, let collector else { return context.close(promise: nil) }
                answer(
                    collector.take(Request(uri: head.uri, headers: head.headers, body: body)),
                    context: context
                )
            }
        }

        private func begin(_ status: Int, _ headers: [String: String], context: ChannelHandlerContext) {
            var head = HTTPResponseHead(version: .http1_1, status: HTTPResponseStatus(statusCode: status))
            for (name, value) in headers { head.headers.add(name: name, value: value) }
            context.write(wrapOutboundOut(.head(head)), promise: nil)
            context.writeAndFlush(wrapOutboundOut(.body(.byteBuffer(ByteBuffer(string: "x")))), promise: nil)
        }

        private func goOn(_ context: NIOLoopBound<ChannelHandlerContext>) {
            let piece = ByteBuffer(repeating: 0x20, count: 1 << 16)
            context.value.writeAndFlush(wrapOutboundOut(.body(.byteBuffer(piece)))).assumeIsolated().whenSuccess {
                self.goOn(context)
            }
        }

        private func answer(_ reply: Reply, context: ChannelHandlerContext) {
            switch reply {
            case .hang: break
            case .close: context.close(promise: nil)
            case .endless(let status):
                begin(status, ["transfer-encoding": "chunked"], context: context)
                goOn(NIOLoopBound(context, eventLoop: context.eventLoop))
            case .stall(let status, let headers):
                begin(status, headers.merging(["content-length": "10"]) { $1 }, context: context)
            case .cut(let status):
                begin(status, ["content-length": "10", "content-type": "application/x-protobuf"], context: context)
                context.close(promise: nil)
            case .status(let status, let headers, let body):
                var head = HTTPResponseHead(version: .http1_1, status: HTTPResponseStatus(statusCode: status))
                for (name, value) in headers { head.headers.add(name: name, value: value) }
                head.headers.add(name: "content-length", value: "\(body.count)")
                context.write(wrapOutboundOut(.head(head)), promise: nil)
                context.write(wrapOutboundOut(.body(.byteBuffer(ByteBuffer(bytes: body)))), promise: nil)
                context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
            }
        }
    }
}

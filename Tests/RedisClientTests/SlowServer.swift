import Foundation
import NIOCore
import NIOPosix

/// Something that greets as Redis does, and then reads no more than so many bytes at a time, with a pause after each; to each
/// command it says OK once it has all of it, and the next may come.
final class SlowServer: Sendable {
    /// Its Unix socket.
    let path: String
    private let channel: any Channel

    init(bytesARead: Int, pause: TimeAmount) async throws {
        path = FileManager.default.temporaryDirectory.path + "/fb-slow-\(UInt32.random(in: 0 ... .max))"
        channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelOption(.autoRead, value: false)
            .childChannelOption(.maxMessagesPerRead, value: 1)
            .childChannelOption(.recvAllocator, value: FixedSizeRecvByteBufferAllocator(capacity: bytesARead))
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(SlowReader(pause: pause))
                }
            }
            .bind(unixDomainSocketPath: path).get()
    }

    func stop() async throws {
        try await channel.close()
        unlink(path)
    }
}

private final class SlowReader: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let pause: TimeAmount
    private var received = ByteBuffer()
    private var isGreeted = false

    init(pause: TimeAmount) { self.pause = pause }

    func channelActive(context: ChannelHandlerContext) { context.read() }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        received.writeImmutableBuffer(unwrapInboundIn(data))
        // All ends with the last word; of the handshake's that is the client's name, of the command's its text.
        if received.readableBytesView.suffix(3).elementsEqual("x\r\n".utf8) { answer("+OK\r\n", context) }
        if !isGreeted, received.readableBytesView.suffix(6).elementsEqual("test\r\n".utf8) {
            isGreeted = true
            answer("+PONG\r\n+OK\r\n", context)
        }
        let context = NIOLoopBound(context, eventLoop: context.eventLoop)
        context.eventLoop.scheduleTask(in: pause) { context.value.read() }
    }

    private func answer(_ text: String, _ context: ChannelHandlerContext) {
        received.clear()
        context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: text)), promise: nil)
    }
}

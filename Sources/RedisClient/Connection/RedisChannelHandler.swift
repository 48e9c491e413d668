internal import NIOCore

/// Carries what the channel says to the connection's owner, on the same loop.
final class RedisChannelHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private let connection: RedisConnection

    init(_ connection: RedisConnection) {
        self.connection = connection
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let bytes = unwrapInboundIn(data)
        connection.assumeIsolated { $0.received(bytes) }
    }

    func channelInactive(context: ChannelHandlerContext) {
        connection.assumeIsolated { $0.ended("Redis closed the connection") }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        let reason = "\(error)"
        connection.assumeIsolated { $0.ended(reason) }
    }
}
